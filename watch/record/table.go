package record

import (
	"errors"
	"fmt"
	"math"
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
	errNoZeekHeader = errors.New("no Zeek header (#fields …) that can be used stands before this row")
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
	names   []string
	ids     []PathID
}

// newTable gives the columns, and those that the reader adds, their paths.
// Column names are paths of their own: id.orig_h is one name, not an object.
func newTable(fl *Flattener, c *columns, added ...string) table {
	t := table{fl: fl, columns: c, names: append(c.names[:len(c.names):len(c.names)], added...)}
	for _, name := range t.names {
		t.ids = append(t.ids, fl.paths.Child(root, name))
	}
	return t
}

// add appends a value of column n.
func (t *table) add(n, start, end int, kind Kind) error {
	return t.fl.addText(t.ids[n], t.names[n], start, end, kind)
}

// beginText starts a record that is not JSON. columns is nil when the format
// has no header.
func (fl *Flattener) beginText(raw []byte, format Format, columns []string) error {
	if columns == nil {
		columns = []string{} // what tells a line of text from JSON
	}
	fl.rec.reset(raw, format)
	fl.rec.columns = columns
	if len(raw) > fl.limits.Line || len(raw) > math.MaxUint32 {
		return ErrLine
	}
	return nil
}

// addText appends a value of a record that is not JSON.
func (fl *Flattener) addText(id PathID, name string, start, end int, kind Kind) error {
	if len(fl.rec.Fields) >= fl.limits.Fields {
		return ErrFields
	}
	fl.rec.Fields = append(fl.rec.Fields, Field{id, uint32(start), uint32(end), kind})
	if id == Overflow {
		fl.rec.nameBeyond(uint32(start), name)
	}
	return nil
}

// nameBeyond notes the name of a field that the path table has no room for.
func (r *Record) nameBeyond(start uint32, name string) {
	if r.beyond == nil {
		r.beyond = map[uint32][]string{}
	}
	if len(name) > maxPathText {
		name = ""
	}
	r.beyond[start] = namesOf(name)
}
