package record

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	probeBytes   = 256 << 10 // how much of an input is looked at to recognise it
	probeRecords = 64        // and how many of its records
)

var errUnknownFormat = errors.New("no known event format; if it is one, name it with --format")

// layout is how an input is to be read.
type layout struct {
	format  Format
	shape   string
	comma   byte   // CSV: what parts the columns
	wrapper string // ShapeWrapped: the key of the array
}

// detect decides how an input is read from its first bytes. whole tells that
// there are no more. It looks at several records, so that a broken first one
// does not mislead.
func detect(probe []byte, whole bool, name string, opt *Options) (layout, error) {
	if len(bytes.TrimSpace(probe)) == 0 && whole {
		return layout{format: opt.Format, shape: ShapeEmpty}, nil
	}
	if what := foreign(probe); what != "" {
		return layout{}, fmt.Errorf("%s: %w", what, errUnknownFormat)
	}
	d := &detector{probe: probe, whole: whole, limits: opt.Limits}
	if !opt.Auto {
		return d.forced(opt.Format), nil
	}
	lines := d.lines()
	if slices.ContainsFunc(lines, isZeekHeader) {
		return layout{format: FormatZeek, shape: ShapeZeekTSV}, nil
	}
	l, good := d.json()
	if good > 0 {
		return l, nil
	}
	if audit := count(lines, isAudit); audit > 0 && 2*audit >= len(lines) {
		return layout{format: FormatAudit, shape: ShapeAudit}, nil
	}
	if comma, ok := d.comma(saysCSV(name)); ok {
		return layout{format: FormatCSV, shape: ShapeCSV, comma: comma}, nil
	}
	if looksJSON(probe) {
		return l, nil
	}
	return layout{}, errUnknownFormat
}

// foreign names files that people do point log tools at, and what to do with
// them instead.
func foreign(probe []byte) string {
	switch {
	case bytes.HasPrefix(probe, []byte("ElfFile\x00")):
		return "a Windows EVTX file: export its events as JSON first"
	case bytes.HasPrefix(probe, []byte("\xd4\xc3\xb2\xa1")), bytes.HasPrefix(probe, []byte("\xa1\xb2\xc3\xd4")),
		bytes.HasPrefix(probe, []byte("\x4d\x3c\xb2\xa1")), bytes.HasPrefix(probe, []byte("\x0a\x0d\x0d\x0a")):
		return "a packet capture: read it with Suricata or Zeek first"
	case bytes.HasPrefix(probe, []byte("BZh")), bytes.HasPrefix(probe, []byte("\xfd7zXZ\x00")), bytes.HasPrefix(probe, []byte("7z\xbc\xaf")):
		return "compressed with bzip2, xz or 7z: unpack it first"
	case bytes.HasPrefix(probe, []byte("PAR1")):
		return "a Parquet file: export it as JSON lines first"
	}
	return ""
}

// looksJSON tells whether text begins as JSON records do.
func looksJSON(text []byte) bool {
	i := skipSpace(text, 0)
	if i < len(text) && text[i] == '[' {
		i = skipSpace(text, i+1)
	}
	return i < len(text) && text[i] == '{'
}

func isAudit(line []byte) bool { return auditStart(line) >= 0 }

func count(lines [][]byte, is func([]byte) bool) int {
	n := 0
	for _, l := range lines {
		if is(l) {
			n++
		}
	}
	return n
}

// detector looks at the first bytes of one input.
type detector struct {
	probe  []byte
	whole  bool
	limits Limits
}

// lines returns the first lines that are not empty.
func (d *detector) lines() [][]byte {
	var lines [][]byte
	for line := range bytes.Lines(d.probe) {
		line = bytes.TrimRight(line, "\r\n")
		if skipSpace(line, 0) == len(line) {
			continue
		}
		if lines = append(lines, line); len(lines) == probeRecords {
			break
		}
	}
	return lines
}

// forced returns the layout of an input whose format the user has named.
func (d *detector) forced(format Format) layout {
	lines := d.lines()
	switch format {
	case FormatCSV:
		comma, _ := d.comma(true)
		return layout{format: format, shape: ShapeCSV, comma: comma}
	case FormatZeek:
		if slices.ContainsFunc(lines, isZeekHeader) || !looksJSON(d.probe) && count(lines, looksJSON) == 0 {
			return layout{format: format, shape: ShapeZeekTSV}
		}
	case FormatAudit:
		if slices.ContainsFunc(lines, isAudit) {
			return layout{format: format, shape: ShapeAudit}
		}
	}
	l, _ := d.json()
	l.format = format
	return l
}

// json returns how JSON is laid out, and how many of the first records are
// sound.
func (d *detector) json() (l layout, good int) {
	fl := NewFlattener(NewPaths(0), d.limits)
	var votes [len(formatNames)]int
	vote := func(raw []byte) bool {
		r, err := fl.Flatten(raw, FormatJSON)
		if err == nil {
			votes[formatOf(r)]++
		}
		return err == nil
	}
	l.wrapper = wrapperKey(d.probe)
	if l.wrapper == "" {
		good = count(d.lines(), func(line []byte) bool { return line[0] == '{' && vote(line) })
		byLine := votes
		spans, open := d.spans("")
		votes = [len(formatNames)]int{}
		sound, many := 0, false
		for _, s := range spans {
			raw := d.probe[s.start:s.end]
			if s.reason == "" && vote(raw) {
				sound++
				many = many || bytes.IndexByte(raw, '\n') >= 0
			}
		}
		if 2*good >= sound && (good > 0 || !open) { // a line may hold two records, or half of one
			l.shape, l.format = ShapeLines, winner(byLine)
			return l, good
		}
		l.shape = ShapePretty
		if i := skipSpace(d.probe, 0); i < len(d.probe) && d.probe[i] == '[' {
			l.shape = ShapeArray
		}
		l.format = winner(votes)
		return l, sound
	}
	spans, _ := d.spans(l.wrapper)
	for _, s := range spans {
		if s.reason == "" && vote(d.probe[s.start:s.end]) {
			good++
		}
	}
	l.shape, l.format = ShapeWrapped, winner(votes)
	return l, max(good, 1) // the wrapper itself is sound
}

// spans cuts the probe by its structure. open tells that it ends within a
// record that has more than one line.
func (d *detector) spans(wrapper string) (spans []span, open bool) {
	j := &jsonScanner{f: &framer{in: &Input{}, limits: Limits{Line: len(d.probe)}, buf: d.probe}, wrapper: []byte(wrapper)}
	j.scan()
	open = j.open && j.broken == "" && j.lines > 0 && !j.scalar
	if d.whole && j.open && !j.scalar {
		j.end(j.pos, j.broken)
	}
	return j.spans[:min(len(j.spans), probeRecords)], open
}

// winner returns the format that most records have; a record that tells
// nothing does not count when others do.
func winner(votes [len(formatNames)]int) Format {
	best := FormatJSON
	for f := FormatEVE; int(f) < len(votes); f++ {
		if votes[f] > 0 && (best == FormatJSON || votes[f] > votes[best]) {
			best = f
		}
	}
	return best
}

// saysCSV tells whether a file's name calls it CSV.
func saysCSV(name string) bool {
	for _, ext := range []string{".gz", ".zst"} {
		name = strings.TrimSuffix(name, ext)
	}
	ext := strings.ToLower(path.Ext(name))
	return ext == ".csv" || ext == ".tsv"
}

// comma finds what parts the columns of CSV: the separator that gives the
// first rows the same number of cells, more than one. It is false when the
// text does not look like CSV. When it is sure to be CSV, a header alone will
// do, and it may leave columns without a name.
func (d *detector) comma(sure bool) (byte, bool) {
	best, width := byte(','), 1
	for _, comma := range []byte(",;\t|") {
		if w, rows := d.width(comma, sure); w > width && (rows > 0 || sure) {
			best, width = comma, w
		}
	}
	return best, width > 1
}

// width returns the number of columns that the header has under a separator,
// 0 if it is not one or fewer than nine tenths of the first rows have as many,
// and how many rows have.
func (d *detector) width(comma byte, sure bool) (width, rows int) {
	c := newCells(comma)
	misfits := 0
	for pos := 0; pos < len(d.probe) && rows+misfits < probeRecords; {
		next, end := c.row(d.probe, pos, d.whole)
		if end == rowOpen {
			break
		}
		if end == rowBroken {
			n := bytes.IndexByte(d.probe[pos:], '\n')
			if width == 0 || n < 0 {
				return 0, 0
			}
			misfits++
			pos += n + 1
			continue
		}
		row := bytes.TrimRight(d.probe[pos:next], "\r\n")
		pos = next
		if len(bytes.TrimSpace(row)) == 0 || width == 0 && isPreamble(row) {
			continue
		}
		if width == 0 {
			names := c.names(row)
			if !sure && !areNames(names) {
				return 0, 0
			}
			width = len(names)
			continue
		}
		n := 0
		c.each(row, func(int, int, bool, bool) bool { n++; return true })
		if n == width {
			rows++
		} else {
			misfits++
		}
	}
	if 10*misfits > rows+misfits {
		return 0, 0
	}
	return width, rows
}

// areNames tells whether cells can be the names of columns.
func areNames(names []string) bool {
	for i, n := range names {
		if n == nameless(i) || len(n) > 128 || !utf8.ValidString(n) || isJSONNumber([]byte(n)) || slices.Contains(names[:i], n) ||
			strings.ContainsAny(n, "{}\x00\n") {
			return false
		}
	}
	return true
}
