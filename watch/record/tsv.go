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
	rest, seen := data, 0 // seen: the lines of rest that are rows
	for {
		at := seen + nextDirective(rest[seen:])
		if at == len(rest) {
			return z.emit(data, rest, offset) // rest is the end of data
		}
		end := at
		for end < len(rest) && rest[end] == '#' { // the whole run of directives
			line, _, _ := bytes.Cut(rest[end:], []byte("\n"))
			if len(line) > z.f.limit {
				break
			}
			z.header.directive(line)
			end += min(len(line)+1, len(rest)-end)
		}
		if end == at { // too long: to be set aside like a row
			line, _, _ := bytes.Cut(rest[at:], []byte("\n"))
			seen = min(at+len(line)+1, len(rest))
			continue
		}
		if skipSpace(rest[:at], 0) < at { // rows under the header before
			before := append(newBlock(z.f.block), rest[:at]...)
			if err := z.emit(before, before, offset); err != nil {
				return err
			}
		}
		z.header.settle()
		rest, seen = rest[end:], 0
		offset += int64(end)
	}
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
func (z *zeekSplitter) emit(block, part []byte, offset int64) error {
	return z.f.emit(&Chunk{Input: z.f.in, data: part, block: block, offset: offset, columns: z.header.columns})
}

// zeekHeader gathers the directives that stand before rows.
type zeekHeader struct {
	columns *columns // of the rows that come now; nil before #fields
	next    columns
	changed bool
}

// directive reads one line that begins with #. Those that say nothing about
// the rows, such as #open and #close, change nothing.
func (h *zeekHeader) directive(line []byte) {
	text := strings.TrimRight(string(line), "\r")
	if value, ok := strings.CutPrefix(text, "#separator "); ok {
		sep := string(appendDecoded(nil, []byte(value), ZeekText))
		if len(sep) == 1 {
			h.next = zeekDefaults()
			h.next.separator = sep[0]
			h.changed = true
		}
		return
	}
	if h.next.separator == 0 {
		h.next = zeekDefaults()
	}
	name, value, _ := strings.Cut(text, string(h.next.separator))
	plain := string(appendDecoded(nil, []byte(value), ZeekText))
	switch name {
	case "#set_separator":
		if len(plain) == 1 {
			h.next.set = plain[0]
		}
	case "#empty_field":
		h.next.empty = plain
	case "#unset_field":
		h.next.unset = plain
	case "#path":
		h.next.path = value
	case "#fields":
		h.next.names = strings.Split(value, string(h.next.separator))
		h.next.types = nil
	case "#types":
		h.next.types = nil
		for t := range strings.SplitSeq(value, string(h.next.separator)) {
			h.next.types = append(h.next.types, parseZeekType(t))
		}
	default:
		return
	}
	h.changed = true
}

func zeekDefaults() columns {
	return columns{zeek: true, separator: '\t', set: ',', empty: "(empty)", unset: "-"}
}

// settle makes what the directives said the header of the rows that follow.
func (h *zeekHeader) settle() {
	if !h.changed {
		return
	}
	h.changed = false
	if h.next.names == nil {
		h.columns = nil
		return
	}
	c := h.next
	if c.types == nil || len(c.types) != len(c.names) {
		c.types = make([]zeekType, len(c.names)) // unknown: numbers are recognised by their look
		for i := range c.types {
			c.types[i].scalar = zeekNumber
		}
	}
	h.columns = &c
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
