package latticenet

// UI is what a plugin adds to the dashboard. It is signed, and otherwise the dashboard's business.
type UI struct {
	Nav   []Nav  `json:"nav,omitempty"`
	Views []View `json:"views,omitempty"`
}

// Nav is an entry of the navigation.
type Nav struct {
	// Section is "extensions" in version 2.
	Section      string   `json:"section"`
	SectionTitle string   `json:"section_title,omitempty"`
	Title        string   `json:"title"`
	Route        string   `json:"route"`
	Icon         string   `json:"icon,omitempty"`
	Scopes       []string `json:"scopes,omitempty"`
}

// View is a page that the dashboard draws, or shows in a frame.
type View struct {
	Route string `json:"route"`
	Title string `json:"title"`
	// Kind is one of table, detail, form, kv, markdown and sandbox.
	Kind    string   `json:"kind"`
	Source  *Source  `json:"source,omitempty"`
	Columns []Column `json:"columns,omitempty"`
	Actions []Action `json:"actions,omitempty"`
}

// Source is the method whose answer a view shows.
type Source struct {
	Interface string `json:"interface"`
	Method    string `json:"method"`
}

// Column is one column of a table.
type Column struct {
	Key    string `json:"key"`
	Label  string `json:"label"`
	Render string `json:"render,omitempty"`
}

// Action is a button that calls a method.
type Action struct {
	Label     string      `json:"label"`
	Interface string      `json:"interface"`
	Method    string      `json:"method"`
	Form      []FormField `json:"form,omitempty"`
	Scopes    []string    `json:"scopes,omitempty"`
}

// FormField is one input of an action.
type FormField struct {
	Key     string   `json:"key"`
	Label   string   `json:"label,omitempty"`
	Kind    string   `json:"kind"`
	Options []string `json:"options,omitempty"`
}

// sandboxed is the kind of views, and the mode of runtimes, that a dashboard shows in a frame.
const sandboxed = "sandbox"

// ui checks what can be checked without knowing the dashboard.
func (c *checker) ui(m *Manifest) {
	if m.UI == nil {
		return
	}
	for i, n := range m.UI.Nav {
		c.nav(element("ui.nav", i), m, n)
	}
	for i, v := range m.UI.Views {
		c.view(element("ui.views", i), m, v)
	}
}

func (c *checker) nav(at string, m *Manifest, n Nav) {
	if m.IsV2() {
		c.OneOf(at+".section", n.Section, "extensions")
	} else {
		c.Require(keyPattern.MatchString(n.Section), at+".section", "must match "+keyPattern.String())
	}
	if n.SectionTitle != "" {
		c.printable(at+".section_title", n.SectionTitle, maxNameBytes)
	}
	c.printable(at+".title", n.Title, maxNameBytes)
	c.Require(routePattern.MatchString(n.Route), at+".route", "must match "+routePattern.String())
	if n.Icon != "" {
		c.printable(at+".icon", n.Icon, maxNameBytes)
	}
	c.scopes(at+".scopes", n.Scopes)
}

func (c *checker) view(at string, m *Manifest, v View) {
	c.Require(routePattern.MatchString(v.Route), at+".route", "must match "+routePattern.String())
	c.printable(at+".title", v.Title, maxNameBytes)
	c.OneOf(at+".kind", v.Kind, "table", "detail", "form", "kv", "markdown", sandboxed)
	if v.Kind == sandboxed {
		c.Require(m.UIRuntime != nil, at+".kind", "a sandboxed view needs ui_runtime, which schema "+SchemaV2+" has")
		c.Require(v.Source == nil && len(v.Columns) == 0 && len(v.Actions) == 0, at, "a sandboxed view has no source, columns or actions")
	}
	if v.Source != nil {
		c.method(at+".source", m, v.Source.Interface, v.Source.Method)
	}
	for i, column := range v.Columns {
		field := element(at+".columns", i)
		c.Require(keyPattern.MatchString(column.Key), field+".key", "must match "+keyPattern.String())
		c.OneOf(field+".render", column.Render, "", "copy-secret", "bytes", "relative-time", "badge", "code")
	}
	for i, action := range v.Actions {
		c.action(element(at+".actions", i), m, action)
	}
}

func (c *checker) action(at string, m *Manifest, a Action) {
	c.printable(at+".label", a.Label, maxNameBytes)
	c.method(at, m, a.Interface, a.Method)
	c.scopes(at+".scopes", a.Scopes)
	for i, field := range a.Form {
		c.Require(keyPattern.MatchString(field.Key), element(at+".form", i)+".key", "must match "+keyPattern.String())
		c.OneOf(element(at+".form", i)+".kind", field.Kind, "text", "int", "select")
	}
}

// method requires that a method is one of the plugin's own.
func (c *checker) method(at string, m *Manifest, service, method string) {
	for _, i := range m.Interfaces {
		for _, declared := range i.Methods.all() {
			if i.Service == service && declared.Name == method {
				return
			}
		}
	}
	c.Fail(at, "the method "+method+" of "+service+" is not among the interfaces")
}
