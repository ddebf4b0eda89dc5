//go:build !race

package hostile

// foundCosts are the worst modules that command worst came to, as it prints them.
func foundCosts() []costly {
	cases := []costly{
		{name: "found-load-time", reason: "16,384 ifs, and functions that grow and fill the table", found: `{"functions":[{"locals":100,"body":[{"op":"blocks","body":[{"op":"ifs","times":1024,"size":16}]}]},{"copies":57,"body":[{"op":"live","size":2,"body":[{"op":"tableFill","times":13,"size":4760}]},{"op":"tableGrow","size":46246},{"op":"write","times":1,"size":1}]}],"pages":14,"table":10}`},
		{name: "found-load-time-globals", reason: "8,192 growths of the table, after each of which 5,834 variables are read again", found: `{"functions":[{"results":500,"locals":100,"body":[{"op":"blocks","body":[{"op":"tableGrow","times":8192,"size":16}]}]}],"pages":14,"table":10,"globals":5834}`},
		{name: "found-load-memory", reason: "16,384 ifs with 100 locals", found: `{"functions":[{"locals":100,"body":[{"op":"blocks","body":[{"op":"ifs","times":1024,"size":16}]}]}],"pages":14,"table":10}`},
		{name: "found-load-memory-global", reason: "16,384 ifs with 100 locals and a variable", found: `{"functions":[{"copies":1,"locals":100,"body":[{"op":"blocks","body":[{"op":"ifs","times":1024,"size":16}]}]},{}],"pages":14,"table":10,"globals":1}`},
		{name: "found-instance-memory", reason: "8,192 growths of the table in 48 blocks", found: `{"functions":[{"locals":100,"body":[{"op":"blocks","size":48,"body":[{"op":"tableGrow","times":8192,"size":16}]}]},{"body":[{"op":"global","times":1,"size":22}]}],"pages":14,"table":10}`},
		{name: "found-fuel-time", reason: "16,384 calls of a function that does nothing, and memory beyond every limit", found: `{"functions":[{"locals":50,"type":5,"body":[{"op":"grow","size":4696},{"op":"blocks","size":1,"body":[{"op":"nothing","times":16384,"size":16}]}]}],"pages":14,"table":10,"data":{"count":16,"size":1}}`},
	}
	for i := range cases {
		cases[i].ends, cases[i].calls = spends, 20
	}
	return ofKind(kindFound, cases)
}
