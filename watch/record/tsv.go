package record

import (
	"bytes"
	"strings"
)

// Zeek's ASCII log format: lines that begin with # are directives, the others
// are rows. Bytes that would be mistaken are written \xNN.

// zeekType is what a column's values are.
type zeekType struct {
	list   bool // set[…] or vector[…]
	scalar zeekScalar
}

type zeekScalar uint8

const (
	zeekText zeekScalar = iota
	zeekNumber
	zeekBool
)

func parseZeekType(s string) zeekType {
	var t zeekType
	for _, list := range []string{"set[", "vector[", "table["} {
		if inner, ok := strings.CutPrefix(s, list); ok {
			t.list, s = true, strings.TrimSuffix(inner, "]")
		}
	}
	switch s {
	case "bool":
		t.scalar = zeekBool
	case "count", "int", "double", "time", "interval", "port", "counter":
		t.scalar = zeekNumber
	}
	return t
}

// zeekSplitter cuts Zeek TSV into chunks that have one header each.
type zeekSplitter struct {
	f      *framer
	header zeekHeader
}

// chunk emits whole lines. Where the header changes, it begins a new chunk.
func (z *zeekSplitter) chunk(data []byte, offset int64) error {
	rest, seen := data, 0 // seen: the lines of rest that belong to one header
	for {
		at := seen + nextDirective(rest[seen:])
		if at == len(rest) {
			return z.emit(data, rest, offset, z.header.columns) // rest is the end of data
		}
		line, _, _ := bytes.Cut(rest[at:], []byte("\n"))
		end := min(at+len(line)+1, len(rest))
		before := z.header.columns
		if len(line) <= z.f.limits.Line {
			z.header.directive(line, z.f.limits.Fields)
		}
		if z.header.columns == before {
			seen = end
			continue
		}
		if hasRows(rest[:at], z.f.limits.Line) {
			rows := append(newBlock(z.f.block), rest[:at]...)
			if err := z.emit(rows, rows, offset, before); err != nil {
				return err
			}
		}
		rest, seen = rest[end:], 0
		offset += int64(end)
	}
}

// hasRows tells whether there is anything but directives and empty lines. A
// directive longer than limit is set aside like a row.
func hasRows(text []byte, limit int) bool {
	for line := range bytes.Lines(text) {
		if (line[0] != '#' || len(line) > limit) && skipSpace(line, 0) < len(line) {
			return true
		}
	}
	return false
}

func nextDirective(s []byte) int {
	if len(s) > 0 && s[0] == '#' {
		return 0
	}
	if i := bytes.Index(s, []byte("\n#")); i >= 0 {
		return i + 1
	}
	return len(s)
}

// emit hands on the rows of part, which lies within block.
func (z *zeekSplitter) emit(block, part []byte, offset int64, c *columns) error {
	return z.f.emit(&Chunk{Input: z.f.in, data: part, block: block, offset: offset, columns: c})
}

// zeekHeader gathers the directives that stand before rows.
type zeekHeader struct {
	columns *columns // of the rows that come now; nil before #fields
	next    columns  // what the next #fields is to be read with
}

// directive reads one line that begins with #. The order is Zeek's: the marks
// and the log's name, then #fields, then #types. What says nothing about the
// rows, such as #open and #close, changes nothing. A header of more than limit
// columns is none.
func (h *zeekHeader) directive(line []byte, limit int) {
	text := strings.TrimRight(string(line), "\r")
	if value, ok := strings.CutPrefix(text, "#separator "); ok {
		h.columns, h.next = nil, zeekDefaults()
		if sep := appendDecoded(nil, []byte(value), ZeekText); len(sep) == 1 {
			h.next.separator = sep[0]
		}
		return
	}
	if h.next.separator == 0 {
		h.next = zeekDefaults()
	}
	separator := string(h.next.separator)
	name, value, _ := strings.Cut(text, separator)
	switch name {
	case "#set_separator":
		if set := appendDecoded(nil, []byte(value), ZeekText); len(set) == 1 {
			h.next.set = set[0]
		}
	case "#empty_field":
		h.next.empty = value
	case "#unset_field":
		h.next.unset = value
	case "#path":
		h.next.path = value
	case "#fields":
		h.columns = nil
		if strings.Count(value, separator) < limit {
			c := h.next
			c.names = strings.Split(value, separator)
			c.types = make([]zeekType, len(c.names)) // unknown: numbers are recognised by their look
			for i := range c.types {
				c.types[i].scalar = zeekNumber
			}
			h.columns = &c
		}
	case "#types":
		if h.columns != nil && strings.Count(value, separator)+1 == len(h.columns.names) {
			c := *h.columns
			c.types = nil
			for t := range strings.SplitSeq(value, separator) {
				c.types = append(c.types, parseZeekType(t))
			}
			h.columns = &c
		}
	}
}

func zeekDefaults() columns {
	return columns{zeek: true, separator: '\t', set: ',', empty: "(empty)", unset: "-"}
}

// zeekRows turns rows of Zeek TSV into records.
type zeekRows struct {
	table
	text []byte // the row with the log's name after it
}

func newZeekRows(fl *Flattener, c *columns) *zeekRows {
	if c.path == "" {
		return &zeekRows{table: newTable(fl, c)}
	}
	return &zeekRows{table: newTable(fl, c, "_path")}
}

// read returns the record of one row. The log's name, which stands in the
// header, is appended to the row as one more column, _path.
func (z *zeekRows) read(raw []byte) (*Record, error) {
	width := len(raw)
	if z.columns.path != "" {
		z.text = append(append(append(z.text[:0], raw...), z.columns.separator), z.columns.path...)
		raw = z.text
	}
	if err := z.fl.beginText(raw, FormatZeek, z.names); err != nil {
		return nil, err
	}
	n, start, want := 0, 0, len(z.columns.names)
	for start <= width {
		end := width
		if i := bytes.IndexByte(raw[start:width], z.columns.separator); i >= 0 {
			end = start + i
		}
		if n >= want {
			return nil, columnsError(1+n+bytes.Count(raw[start:width], []byte{z.columns.separator}), want)
		}
		if err := z.value(n, start, end); err != nil {
			return nil, err
		}
		n++
		start = end + 1
	}
	if n != want {
		return nil, columnsError(n, want)
	}
	if z.columns.path != "" {
		if err := z.add(n, width+1, len(raw), zeekKind(raw[width+1:], zeekText)); err != nil {
			return nil, err
		}
	}
	return &z.fl.rec, nil
}

// value adds the value or values of column n.
func (z *zeekRows) value(n, start, end int) error {
	raw := z.fl.rec.Raw
	v := raw[start:end]
	t := z.columns.types[n]
	switch {
	case string(v) == z.columns.unset:
		return nil
	case string(v) == z.columns.empty && t.list:
		return z.add(n, start, start, Empty)
	case string(v) == z.columns.empty:
		return z.add(n, start, start, Text)
	case !t.list:
		return z.add(n, start, end, zeekKind(v, t.scalar))
	}
	for start <= end {
		stop := end
		if i := bytes.IndexByte(raw[start:end], z.columns.set); i >= 0 {
			stop = start + i
		}
		if v := raw[start:stop]; string(v) != z.columns.unset {
			if err := z.add(n, start, stop, zeekKind(v, t.scalar)); err != nil {
				return err
			}
		}
		start = stop + 1
	}
	return nil
}

func zeekKind(v []byte, t zeekScalar) Kind {
	switch {
	case t == zeekBool && string(v) == "T":
		return True
	case t == zeekBool && string(v) == "F":
		return False
	case t == zeekNumber && isJSONNumber(v):
		return Number
	case bytes.IndexByte(v, '\\') >= 0:
		return ZeekText
	}
	return Text
}

// isZeekHeader tells whether a line belongs to the header of a Zeek log.
func isZeekHeader(line []byte) bool {
	return bytes.HasPrefix(line, []byte("#separator ")) || bytes.HasPrefix(line, []byte("#fields\t"))
}
