package sandbox

import "github.com/latticenet/lattice-host/abi"

// hostCost is what calls of functions of the host cost it. Every function that a guest may import
// has a row, and a call of any costs [hostCallFuel].
type hostCost struct {
	module string
	names  []string
	// allocates says what a call allocates on the heap of the host; empty for nothing. It is at
	// most so many bytes, and lives as long as lives says.
	allocates string
	most      int
	lives     string
	// paid says what pays for that beyond the call, or bounds it.
	paid string
}

const (
	garbage = "up to the next collection"
	// noMore is what pays for functions that do next to nothing.
	noMore = "the call alone"
)

// hostCosts returns the rows of everything that [hostFunctions] and [extismFunctions] offer.
func hostCosts() []hostCost {
	return []hostCost{
		{module: abi.ImportModule, names: []string{abi.ImportLog}, allocates: "the line and its escapes", most: 96 << 10,
			lives: "the line as long as the log has it, two lines as long as the call", paid: "20 a byte; a line has 8 KiB, a call 1,000"},
		// A read of a megabyte of text that JSON escapes takes 66 MiB, a list of a full store 4.
		{module: abi.ImportModule, names: []string{abi.ImportHostCall}, allocates: "the request, the answer in two encodings, at the first call the store", most: 96 << 20,
			lives: "digests, and in a record request and answer, as long as the run; the store as long as the step", paid: "100,000, and 20 a byte; 64 calls a derivation"},

		{module: wasiModule, names: []string{
			"args_sizes_get", "environ_get", "environ_sizes_get", "clock_res_get", "clock_time_get", "sched_yield",
			"fd_close", "fd_fdstat_set_flags", "fd_read", "fd_seek", "fd_sync", "fd_tell",
			"fd_advise", "fd_allocate", "fd_datasync", "fd_fdstat_set_rights", "fd_filestat_set_size", "fd_filestat_set_times", "fd_pread",
			"fd_prestat_dir_name", "fd_prestat_get", "fd_pwrite", "fd_readdir", "fd_renumber",
			"path_create_directory", "path_filestat_get", "path_filestat_set_times", "path_link", "path_open", "path_readlink",
			"path_remove_directory", "path_rename", "path_symlink", "path_unlink_file", "sock_accept", "sock_shutdown",
		}, paid: noMore},
		{module: wasiModule, names: []string{"random_get"}, paid: "1 a byte"},
		{module: wasiModule, names: []string{"args_get", "fd_fdstat_get", "fd_filestat_get"}, allocates: "what is written to the guest", most: 64, lives: garbage, paid: noMore},
		{module: wasiModule, names: []string{"poll_oneoff"}, allocates: "32 bytes a subscription", most: 33 << 10, lives: garbage, paid: "20 a subscription, of which a call has 1,024"},
		{module: wasiModule, names: []string{"fd_write"}, allocates: "lines, as log does", most: 1 << 20,
			lives: "the line that has begun as long as the call, the others as those of log", paid: "20 a buffer and a byte; a call takes 1,024 buffers and 64 KiB"},
		{module: wasiModule, names: []string{"proc_exit"}, allocates: "the error", most: 8, lives: garbage, paid: "the instance is closed"},

		{module: abi.ExtismModule, names: []string{
			"length", "length_unsafe", "load_u8", "load_u64", "store_u8", "store_u64", "input_length", "input_load_u8", "input_load_u64",
			"config_get", "http_status_code", "http_headers", "get_log_level",
		}, allocates: "a word", most: 8, lives: garbage, paid: noMore},
		{module: abi.ExtismModule, names: []string{"alloc", "free"}, allocates: "16 bytes a block, and a stack at the first call; blocks lie in memory of the sandbox", most: 4 << 20, lives: "as long as the call",
			paid: "10 for each block that was made, so that no call makes 70,000"},
		{module: abi.ExtismModule, names: []string{"input_offset", "output_set"}, allocates: "parameters and results, and a stack at the first call", most: 16 << 10, lives: "the stack as long as the call",
			paid: "output_set 1 a byte; the output is copied once, at the end"},
		{module: abi.ExtismModule, names: []string{"error_set"}, allocates: "the text, and the line as log does", most: 128 << 10, lives: "the text and two lines as long as the call", paid: "20 a byte, of which 8 KiB are taken"},
		{module: abi.ExtismModule, names: []string{"log_trace", "log_debug", "log_info", "log_warn", "log_error"}, allocates: "as log", most: 96 << 10, lives: "as log", paid: "as log"},
		{module: abi.ExtismModule, names: []string{"var_get"}, allocates: "a block, as alloc", most: 4 << 20, lives: "as long as the call", paid: "as alloc, and 1 a byte"},
		{module: abi.ExtismModule, names: []string{"var_set"}, allocates: "the name and the value", most: 2 << 20, lives: "as long as the call", paid: "1 a byte; the variables of a call have 1 MiB"},
		{module: abi.ExtismModule, names: []string{"http_request"}, allocates: "the error", most: 1 << 10, lives: garbage, paid: "the instance is closed"},
	}
}
