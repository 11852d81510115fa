package record

import (
	"errors"
	"fmt"
)

// columns is the header of a table: CSV, or Zeek TSV.
type columns struct {
	names []string
	zeek  bool

	// Zeek only.
	types     []zeekType
	separator byte   // between columns
	set       byte   // between the elements of a set or vector
	empty     string // an empty set or text
	unset     string // no value
	path      string // the log's name: conn, dns …

	// CSV only.
	comma byte
}

var (
	errNoZeekHeader = errors.New("no Zeek header (#fields …) before this row")
	errOpenQuote    = errors.New("the quotes of this row do not match")
)

// columnsError says that a row does not fit its header.
func columnsError(got, want int) error {
	return fmt.Errorf("%d columns where the header names %d", got, want)
}

// table builds records out of rows: fields are places in the row's text.
type table struct {
	fl      *Flattener
	columns *columns
	ids     []PathID
}

// newTable gives the columns their paths. Column names are paths of their own:
// id.orig_h is one name, not an object.
func newTable(fl *Flattener, c *columns) table {
	t := table{fl: fl, columns: c, ids: make([]PathID, len(c.names))}
	for i, name := range c.names {
		t.ids[i] = fl.paths.Child(root, name)
	}
	return t
}

// beginText starts a record that is not JSON.
func (fl *Flattener) beginText(raw []byte, format Format, columns []string) error {
	if len(raw) > fl.limits.Line {
		return ErrLine
	}
	fl.rec.Raw, fl.rec.Format, fl.rec.Fields = raw, format, fl.rec.Fields[:0]
	if fl.rec.columns = columns; columns == nil {
		fl.rec.columns = []string{} // what tells a line of text from JSON
	}
	return nil
}

// addText appends a value of a record that is not JSON.
func (fl *Flattener) addText(id PathID, start, end int, kind Kind) error {
	if len(fl.rec.Fields) >= fl.limits.Fields {
		return ErrFields
	}
	fl.rec.Fields = append(fl.rec.Fields, Field{id, uint32(start), uint32(end), kind})
	return nil
}

// isNumber tells whether b is a number as JSON writes it (RFC 8259 §6), so
// that an address, a version or 007 stays text.
func isNumber(b []byte) bool {
	i := 0
	digits := func() bool {
		start := i
		for i < len(b) && b[i] >= '0' && b[i] <= '9' {
			i++
		}
		return i > start
	}
	if i < len(b) && b[i] == '-' {
		i++
	}
	zero := i < len(b) && b[i] == '0'
	start := i
	if !digits() || zero && i > start+1 {
		return false
	}
	if i < len(b) && b[i] == '.' {
		i++
		if !digits() {
			return false
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		if !digits() {
			return false
		}
	}
	return i == len(b)
}
