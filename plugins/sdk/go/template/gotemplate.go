package template

import "strings"

// Value is what a reference in a Go template becomes.
type Value struct {
	// Key is the key of the template's data that is read when the template is executed. It must be
	// an identifier of Go.
	Key string
	// Text replaces the reference now, when there is no Key.
	Text string
}

// Go turns text into a template of Go's text/template: executed, it gives text with all references
// replaced. Only the references that have a key become actions. Everything else is escaped, so that
// braces of the author's stay braces.
//
// The rules are those of the lexer of text/template: an action begins at the first {{ of a text,
// and a brace directly before an action would become part of its delimiter.
func Go(text string, syntax Syntax, resolve func(name string) (v Value, problem string)) (rendered, problem string) {
	w := goWriter{out: make([]byte, 0, len(text)+64)}
	problem = scan(text, syntax, w.literal, func(name string) string {
		v, problem := resolve(name)
		if v.Key == "" {
			w.literal(v.Text)
			return problem
		}
		w.action(v.Key)
		return problem
	})
	w.braces(false)
	return string(w.out), problem
}

// goWriter writes a Go template.
type goWriter struct {
	out []byte
	// open is the number of opening braces that are not written yet.
	open int
}

func (w *goWriter) literal(text string) {
	for text != "" {
		at := strings.IndexByte(text, '{')
		if at < 0 {
			at = len(text)
		}
		if at > 0 {
			w.braces(false)
			w.out = append(w.out, text[:at]...)
			text = text[at:]
		}
		for text != "" && text[0] == '{' {
			w.open++
			text = text[1:]
		}
	}
}

func (w *goWriter) action(key string) {
	w.braces(true)
	w.out = append(w.out, "{{ ."...)
	w.out = append(w.out, key...)
	w.out = append(w.out, " }}"...)
}

// braces writes the opening braces that wait, as an action that prints them where they could be
// taken for a delimiter.
func (w *goWriter) braces(beforeAction bool) {
	if w.open == 0 {
		return
	}
	escape := w.open > 1 || beforeAction
	if escape {
		w.out = append(w.out, `{{"`...)
	}
	for ; w.open > 0; w.open-- {
		w.out = append(w.out, '{')
	}
	if escape {
		w.out = append(w.out, `"}}`...)
	}
}
