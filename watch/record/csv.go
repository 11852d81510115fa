package record

import (
	"bytes"
	"fmt"
	"strconv"
)

// CSV as RFC 4180 has it, with any separator: a cell may be quoted, and then
// holds separators, line ends and doubled quotes. A quote anywhere else breaks
// its row: the row's first line is set aside, and reading goes on with the
// next line.

// cells follows the quotes of one row.
type cells struct {
	comma byte
	plain [256]bool // the bytes that mean nothing in an unquoted cell
}

func newCells(comma byte) *cells {
	c := &cells{comma: comma}
	for i := range c.plain {
		c.plain[i] = i != int(comma) && i != '"' && i != '\n'
	}
	return c
}

type rowEnd uint8

const (
	rowWhole  rowEnd = iota
	rowOpen          // it goes on behind the end of the text
	rowBroken        // its quotes do not match
)

// row finds the end of the row that begins at start: next is behind its line
// end. whole tells that the text is all there is.
func (c *cells) row(text []byte, start int, whole bool) (next int, end rowEnd) {
	i := start
	for {
		if i < len(text) && text[i] == '"' {
			i++
			for {
				n := bytes.IndexByte(text[i:], '"')
				if n < 0 || i+n+1 == len(text) && !whole {
					return start, rowOpen
				}
				i += n + 1
				if i == len(text) || text[i] != '"' {
					break
				}
				i++
			}
			if i+1 < len(text) && text[i] == '\r' && text[i+1] == '\n' {
				i++
			} else if i+1 == len(text) && text[i] == '\r' {
				if !whole {
					return start, rowOpen
				}
				i++
			}
		} else {
			for i < len(text) && c.plain[text[i]] {
				i++
			}
		}
		switch {
		case i == len(text) && whole:
			return i, rowWhole
		case i == len(text):
			return start, rowOpen
		case text[i] == '\n':
			return i + 1, rowWhole
		case text[i] == c.comma:
			i++
		default:
			return start, rowBroken
		}
	}
}

// csvFramer cuts a CSV input into rows. The first row names the columns.
type csvFramer struct {
	f      *framer
	cells  *cells
	header *columns
	pos    int // in f.buf: what was looked at
	spans  []span
}

func (f *framer) csv(comma byte) error {
	c := &csvFramer{f: f, cells: newCells(comma)}
	for {
		f.fill(cap(f.buf))
		tooLong, err := c.rows()
		if err == nil && (c.pos > 0 || len(c.spans) > 0) {
			err = c.flush()
		}
		switch {
		case err != nil:
			return err
		case tooLong:
			if err := f.skipLine(); err != nil {
				return err
			}
		case f.err != nil && len(f.buf) == 0:
			return nil
		case len(f.buf) == cap(f.buf):
			f.grow()
		}
	}
}

// rows finds the rows that are whole in the buffer, or as many as make a
// chunk. It stops before a line
// that is too long to be kept, and says so.
func (c *csvFramer) rows() (tooLong bool, err error) {
	f := c.f
	for c.pos < len(f.buf) && len(c.spans) < chunkSpans {
		window := f.buf[c.pos:]
		if len(window) > f.limits.Line+2 {
			window = window[:f.limits.Line+2] // as much as a row may have
		}
		whole := f.err != nil && len(window) == len(f.buf)-c.pos
		more := f.err == nil && len(window) < f.limits.Line+2
		reason := ""
		next, end := c.cells.row(window, 0, whole)
		if end == rowOpen && more {
			return false, nil
		}
		if end != rowWhole { // its first line is set aside
			next = bytes.IndexByte(window, '\n') + 1
			reason = errOpenQuote.Error()
			switch {
			case next > 0:
			case more:
				return false, nil
			case whole:
				next = len(window)
			case c.header == nil:
				return false, fmt.Errorf("the first row, which must name the columns: %w", ErrLine)
			default:
				return true, nil
			}
		}
		if err := c.row(bytes.TrimRight(window[:next], "\r\n"), reason); err != nil {
			return false, err
		}
		c.pos += next
	}
	return false, nil
}

// row takes the row at pos.
func (c *csvFramer) row(row []byte, reason string) error {
	switch {
	case len(bytes.TrimSpace(row)) == 0 || c.header == nil && isPreamble(row):
	case c.header != nil:
		c.spans = append(c.spans, span{start: uint32(c.pos), end: uint32(c.pos + len(row)), reason: reason})
	case reason != "":
		return fmt.Errorf("the first row, which must name the columns: %s", reason)
	default:
		c.header = &columns{comma: c.cells.comma, names: c.cells.names(row)}
		if len(c.header.names) > c.f.limits.Fields {
			return fmt.Errorf("the first row, which must name the columns: %w", ErrFields)
		}
	}
	return nil
}

// flush emits the rows that were found.
func (c *csvFramer) flush() error {
	offset := c.f.offset
	data := c.f.take(c.pos)
	ch := &Chunk{Input: c.f.in, data: data, block: data, offset: offset, cut: cutSpans, spans: c.spans, columns: c.header}
	c.pos, c.spans = 0, make([]span, 0, len(c.spans)+len(c.spans)/8)
	if len(ch.spans) == 0 {
		ch.Release()
		return nil
	}
	return c.f.emit(ch)
}

// isPreamble tells whether a row stands before the names of the columns:
// Excel's sep=; and PowerShell's #TYPE.
func isPreamble(row []byte) bool {
	return bytes.HasPrefix(row, []byte("#TYPE ")) || len(row) == 5 && bytes.HasPrefix(row, []byte("sep="))
}

// names reads the row that names the columns. A column without a name is
// called by its place.
func (c *cells) names(row []byte) []string {
	var names []string
	c.each(row, func(start, end int, doubled, _ bool) bool {
		kind := Text
		if doubled {
			kind = CSVText
		}
		name := string(appendDecoded(nil, bytes.TrimSpace(row[start:end]), kind))
		if name == "" {
			name = nameless(len(names))
		}
		names = append(names, name)
		return true
	})
	return names
}

func nameless(i int) string { return "column" + strconv.Itoa(i+1) }

// each calls yield with the cells of one row, without their quotes; doubled
// tells that a cell holds doubled quotes. It is false when the quotes do not
// match.
func (c *cells) each(row []byte, yield func(start, end int, doubled, quoted bool) bool) bool {
	for i := 0; ; i++ {
		start, doubled, quoted := i, false, i < len(row) && row[i] == '"'
		if quoted {
			start++
			i++
			for {
				n := bytes.IndexByte(row[i:], '"')
				if n < 0 {
					return false
				}
				i += n + 1
				if i == len(row) || row[i] != '"' {
					break
				}
				doubled = true
				i++
			}
		} else {
			for i < len(row) && c.plain[row[i]] {
				i++
			}
		}
		if i < len(row) && row[i] != c.comma {
			return false
		}
		end := i
		if quoted {
			end--
		}
		if !yield(start, end, doubled, quoted) {
			return true
		}
		if i == len(row) {
			return true
		}
	}
}

// csvRows turns rows into records.
type csvRows struct {
	table
	cells *cells
}

func newCSVRows(fl *Flattener, c *columns) *csvRows {
	return &csvRows{newTable(fl, c), newCells(c.comma)}
}

// read returns the record of one row. An empty cell is no value, "" is an
// empty one. A short row has no values for its last columns; more cells than
// columns are refused unless the surplus is empty.
func (c *csvRows) read(raw []byte) (*Record, error) {
	if err := c.fl.beginText(raw, FormatCSV, c.columns.names); err != nil {
		return nil, err
	}
	n := 0
	surplus := false
	var err error
	matched := c.cells.each(raw, func(start, end int, doubled, quoted bool) bool {
		n++
		if start == end && !quoted {
			return true
		}
		if n > len(c.ids) {
			surplus = true
			return true
		}
		err = c.add(n-1, start, end, csvKind(raw[start:end], doubled))
		return err == nil
	})
	switch {
	case err != nil:
		return nil, err
	case !matched:
		return nil, errOpenQuote
	case surplus:
		return nil, columnsError(n, len(c.ids))
	}
	return &c.fl.rec, nil
}

func csvKind(cell []byte, doubled bool) Kind {
	switch {
	case doubled:
		return CSVText
	case isJSONNumber(cell):
		return Number
	}
	return Text
}
