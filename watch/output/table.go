package output

import (
	"fmt"
	"io"
	"strings"

	"borj.dev/borj/watch"
)

// Table writes hits for people: a heading, then a line each, cut to the width
// of the terminal.
type Table struct {
	w      io.Writer
	o      Options
	begun  bool
	host   int // widths of the columns that vary
	rule   int
	fields int // of no meaning when lines are not bounded
}

// The columns that do not vary, the gaps included.
const (
	timeColumns  = len("2006-01-02 15:04:05Z  ")
	levelColumns = len("critical  ")
)

// NewTable returns a Writer of a table.
func NewTable(w io.Writer, o Options) *Table {
	t := &Table{w: w, o: o, host: 28, rule: 40}
	if o.Width > 0 {
		left := max(o.Width-timeColumns-levelColumns, 24)
		t.host = min(20, left/5)
		left -= t.host + 2
		t.rule = min(48, left*2/5)
		t.fields = left - t.rule - 2
	}
	return t
}

// Write writes h as one line.
func (t *Table) Write(h *watch.Hit) error {
	var b strings.Builder
	if !t.begun {
		t.begun = true
		b.WriteString(t.o.paint(t.heading(), bold))
		b.WriteByte('\n')
	}
	when := "-"
	if !h.Time.IsZero() {
		when = h.Time.UTC().Format("2006-01-02 15:04:05Z")
	}
	b.WriteString(pad(when, timeColumns))
	name := levelName(h.Level)
	b.WriteString(t.o.paint(name, levelColour[h.Level]))
	b.WriteString(strings.Repeat(" ", levelColumns-len(name)))
	b.WriteString(t.cell(host(h), t.host))
	b.WriteString(t.cell(ruleText(h), t.rule))
	t.matched(&b, h)
	_, err := io.WriteString(t.w, strings.TrimRight(b.String(), " ")+"\n")
	return err
}

// Close does nothing: each line is complete.
func (t *Table) Close() error { return nil }

func (t *Table) heading() string {
	return pad("TIME", timeColumns) + pad("LEVEL", levelColumns) +
		t.cell("HOST", t.host) + t.cell("RULE", t.rule) + "MATCHED"
}

// cell fills n columns and a gap, and cuts what is longer where lines are
// bounded.
func (t *Table) cell(s string, n int) string {
	s = Harmless(s)
	if t.o.Width > 0 {
		s = fit(s, n)
	}
	return pad(s, n) + "  "
}

// matched writes path=value pairs until the line is full.
func (t *Table) matched(b *strings.Builder, h *watch.Hit) {
	left := t.fields
	pairs, leftOut := bounded(h.Matched)
	for i, p := range pairs {
		path, value := Harmless(p.Path)+"=", Harmless(p.Value)
		if i > 0 {
			path = "  " + path
		}
		if t.o.Width > 0 {
			n := columns(path) + columns(value)
			if n > left {
				b.WriteString(fit(path+value, left))
				return
			}
			left -= n
		}
		b.WriteString(t.o.paint(path, dim))
		b.WriteString(value)
	}
	if leftOut > 0 && t.o.Width == 0 {
		fmt.Fprintf(b, "  … %s more", thousands(int64(leftOut)))
	}
}

// host names where a hit happened: the host, or who recorded it.
func host(h *watch.Hit) string {
	switch {
	case h.Host != "":
		return cut(h.Host, cutName)
	case h.Source.Sensor != "":
		return h.Source.Sensor
	}
	return "-"
}

// ruleText says in one line what was found.
func ruleText(h *watch.Hit) string {
	switch {
	case h.Rule != nil && h.Count > 0:
		return fmt.Sprintf("%s (%d)", ruleName(h.Rule), h.Count)
	case h.Rule != nil:
		return ruleName(h.Rule)
	case h.Indicator != nil:
		return h.Indicator.Value + " (" + h.Indicator.Source + ")"
	}
	return h.Kind.String()
}

func ruleName(r *watch.Rule) string {
	if r.Title != "" {
		return r.Title
	}
	return r.ID
}
