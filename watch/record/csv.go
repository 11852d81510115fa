package record

import (
	"bytes"
	"errors"
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

// csv cuts a CSV input into rows. The first row names the columns.
func (f *framer) csv(comma byte) error {
	c := newCells(comma)
	var header *columns
	var spans []span
	pos := 0
	flush := func() error {
		offset := f.offset
		data := f.take(pos)
		pos = 0
		ch := &Chunk{Input: f.in, data: data, block: data, offset: offset, cut: cutSpans, spans: spans, columns: header}
		spans = nil
		if len(ch.spans) == 0 {
			ch.Release()
			return nil
		}
		return f.emit(ch)
	}
	for {
		f.fill(cap(f.buf))
		for pos < len(f.buf) {
			next, end := c.row(f.buf, pos, f.err != nil)
			if end == rowOpen && f.err == nil && len(f.buf)-pos <= f.limit {
				break
			}
			reason := ""
			if end != rowWhole {
				nl := bytes.IndexByte(f.buf[pos:], '\n')
				if nl < 0 && f.err == nil && len(f.buf)-pos <= f.limit {
					break // its first line is not whole yet
				}
				if nl < 0 && len(f.buf)-pos > f.limit {
					if err := flush(); err != nil {
						return err
					}
					if err := f.skipLine(); err != nil {
						return err
					}
					continue
				}
				next, reason = len(f.buf), errOpenQuote.Error()
				if nl >= 0 {
					next = pos + nl + 1
				}
			}
			row := bytes.TrimRight(f.buf[pos:next], "\r\n")
			switch {
			case len(bytes.TrimSpace(row)) == 0 || header == nil && isPreamble(row):
			case header != nil:
				spans = append(spans, span{start: uint32(pos), end: uint32(pos + len(row)), reason: reason})
			case reason != "":
				return errors.New("the first row must name the columns, but its quotes do not match")
			default:
				header = &columns{comma: comma, names: c.names(row)}
			}
			pos = next
		}
		if f.err != nil && pos == len(f.buf) {
			return flush()
		}
		if pos > 0 {
			if err := flush(); err != nil {
				return err
			}
		} else if len(f.buf) == cap(f.buf) {
			f.grow()
		}
	}
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
			name = "column" + strconv.Itoa(len(names)+1)
		}
		names = append(names, name)
		return true
	})
	return names
}

// each calls yield with the cells of one row, without their quotes; doubled
// tells that a cell holds doubled quotes. It is false when the quotes do not
// match.
func (c *cells) each(row []byte, yield func(start, end int, doubled, quoted bool) bool) bool {
	for i := 0; ; i++ {
		start, end, doubled, quoted := i, i, false, i < len(row) && row[i] == '"'
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
			end = i - 1
		} else {
			for i < len(row) && c.plain[row[i]] {
				i++
			}
			end = i
		}
		if i < len(row) && row[i] != c.comma {
			return false
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
		err = c.fl.addText(c.ids[n-1], start, end, csvKind(raw[start:end], doubled))
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
	case isNumber(cell):
		return Number
	}
	return Text
}
