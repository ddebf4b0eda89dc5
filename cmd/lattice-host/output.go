package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
)

// emit writes the result of a command to standard output: value as JSON when the user asked for it,
// else what text writes. It is written at once, so that no one reads half of it.
func (a *app) emit(value any, text func(io.Writer)) error {
	var b bytes.Buffer
	if !a.json() {
		text(&b)
		return a.write(b.Bytes())
	}
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return err
	}
	return a.write(b.Bytes())
}

func (a *app) write(data []byte) error {
	a.wrote = true
	if _, err := a.stdout.Write(data); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	return nil
}

// note tells the user something that is not the result.
func (a *app) note(format string, args ...any) {
	fmt.Fprintln(a.stderr, printable(fmt.Sprintf(format, args...)))
}

// table writes rows in columns that are as wide as they must be.
func table(w io.Writer, rows [][]string) {
	columns := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				fmt.Fprint(columns, "\t")
			}
			fmt.Fprint(columns, printable(cell))
		}
		fmt.Fprintln(columns)
	}
	// What is written to goes to memory.
	_ = columns.Flush()
}
