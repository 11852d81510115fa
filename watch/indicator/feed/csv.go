package feed

import (
	"bufio"
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"borj.dev/borj/format/stix"
	"borj.dev/borj/watch/indicator"
	"borj.dev/borj/watch/observable"
)

// role is what a column of a CSV is for.
type role uint8

const (
	other role = iota
	value      // an indicator whose type another column gives, or its shape
	typeOf
	named // an indicator whose type is the column's name
	confidence
	tlp
	title
	identity
	validFrom
	validUntil
)

// columnRoles gives the role of the column names that feeds use. Names of types
// (ip, md5, url …) are not here: kindsOf knows them.
var columnRoles = map[string]role{
	"indicator": value, "ioc": value, "ioc-value": value, "value": value, "observable": value, "indicator-value": value, "artifact": value,
	"type": typeOf, "ioc-type": typeOf, "indicator-type": typeOf, "kind": typeOf, "observable-type": typeOf,
	"confidence": confidence, "confidence-level": confidence, "tlp": tlp,
	"title": title, "name": title, "description": title, "malware": title, "malware-printable": title, "threat": title, "signature": title, "listingreason": title,
	"uuid": identity, "id": identity, "ioc-id": identity, "indicator-id": identity,
	"valid-from": validFrom, "valid-until": validUntil, "expires": validUntil, "expiration": validUntil, "expiration-date": validUntil,
}

// columnTypes are the names of typed columns that are no names of types.
var columnTypes = map[string]string{
	"dst-ip": "ip", "dest-ip": "ip", "src-ip": "ip", "dstip": "ip", "srcip": "ip", "destination-ip": "ip", "source-ip": "ip", "c2-ip": "ip",
}

// csvHeader says what the columns of a file are.
type csvHeader struct {
	comma   byte
	columns []column
	inRows  bool // the header is the first row itself
}

type column struct {
	role role
	typ  string // of named
}

// parseHeader recognises a row of column names, with any of the separators.
func parseHeader(text string) (csvHeader, bool) {
	for _, comma := range []byte{',', ';', '\t', '|'} {
		names := splitRow(text, comma)
		if len(names) < 2 && comma != ',' || len(names) > 200 {
			continue
		}
		h := csvHeader{comma: comma}
		found := false
		for _, name := range names {
			name = normalType(strings.Trim(name, `"' `))
			c := column{role: columnRoles[name]}
			if t, ok := columnTypes[name]; ok {
				name = t
			}
			if c.role == other && len(kindsOf(name)) > 0 && !strings.ContainsAny(name, ":|") { // ip:port is a value
				c = column{named, name}
			}
			found = found || c.role == value || c.role == named
			h.columns = append(h.columns, c)
		}
		if found {
			h.settle(names)
			return h, true
		}
	}
	return csvHeader{}, false
}

// settle decides between columns that say the same, and about names that mean
// something else in company.
func (h *csvHeader) settle(names []string) {
	generic := slices.ContainsFunc(h.columns, func(c column) bool { return c.role == value })
	hashed := slices.ContainsFunc(h.columns, func(c column) bool { return c.role == named && isHashType(c.typ) })
	reason := slices.ContainsFunc(names, func(n string) bool { return normalType(strings.Trim(n, `"' `)) == "listingreason" })
	for i := range h.columns {
		c := &h.columns[i]
		switch {
		case c.role == named && generic, c.role == named && hashed && isFileName(c.typ):
			c.role = other // the hash identifies a file; its name is said in passing
		case c.role == named && reason && c.typ == "sha1":
			c.typ = "x509-fingerprint-sha1" // abuse.ch lists certificates so
		}
	}
}

func isHashType(t string) bool {
	for _, k := range kindsOf(t) {
		if k >= observable.MD5 && k <= observable.Imphash {
			return true
		}
	}
	return false
}

func isFileName(t string) bool {
	return slices.Equal(kindsOf(t), []observable.Kind{observable.FileName})
}

// headerless takes the first column of the first row in which something is
// recognised.
func headerless(text string) (csvHeader, bool) {
	for _, comma := range []byte{',', ';', '\t', '|'} {
		fields := splitRow(text, comma)
		if len(fields) < 2 {
			continue
		}
		h := csvHeader{comma: comma, columns: make([]column, len(fields))}
		for i, f := range fields {
			if _, err := free(f); err == nil {
				h.columns[i].role = value
				return h, true
			}
		}
	}
	return csvHeader{}, false
}

// rowScanner cuts rows into fields (RFC 4180, and blanks around quoted fields).
// A quote opens only where a field begins; any other is a character like all.
type rowScanner struct {
	comma  byte
	fields []string
	field  []byte // the one that was begun
	quoted bool   // inside a quoted field, which goes on in the next line
	lines  int    // ends of lines in field
	torn   bool   // text follows the quote that closed a field of several lines
}

// scan reads one line of a row, and tells whether the row goes on in the next.
func (s *rowScanner) scan(line []byte) (open bool) {
	if s.quoted {
		s.field = append(s.field, '\n')
		s.lines++
	} else {
		s.fields, s.field, s.lines, s.torn = s.fields[:0], s.field[:0], 0, false
	}
	for rest := line; ; {
		if !s.quoted {
			if after, ok := bytes.CutPrefix(bytes.TrimLeft(rest, " "), []byte{'"'}); ok {
				s.quoted, rest = true, after
			}
		}
		for s.quoted {
			text, after, closed := bytes.Cut(rest, []byte{'"'})
			s.field = append(s.field, text...)
			if !closed {
				return true
			}
			if rest = after; len(rest) > 0 && rest[0] == '"' {
				s.field, rest = append(s.field, '"'), rest[1:]
			} else {
				s.quoted = false
			}
		}
		tail, after, more := bytes.Cut(rest, []byte{s.comma})
		tail = bytes.TrimSpace(tail)
		s.torn = s.torn || s.lines > 0 && len(tail) > 0
		s.end(tail)
		if !more {
			return false
		}
		rest = after
	}
}

// end ends the field that was begun.
func (s *rowScanner) end(tail []byte) {
	s.fields = append(s.fields, string(append(s.field, tail...)))
	s.field, s.lines = s.field[:0], 0
}

// splitRow cuts a row of one line.
func splitRow(row string, comma byte) []string {
	s := rowScanner{comma: comma}
	if s.scan([]byte(row)) {
		s.end(nil)
	}
	return s.fields
}

// rows reads the rows under a header.
type rows struct {
	r       *reader
	header  csvHeader
	skip    bool // the next row is the header
	scanner rowScanner
	first   int64  // line of the row that is open
	open    []byte // its lines, to be read again if its quote is never closed
}

// csv reads rows under a header.
func (r *reader) csv(in *bufio.Reader, h csvHeader) error {
	s := rows{r: r, header: h, skip: h.inRows, scanner: rowScanner{comma: h.comma}}
	err := lines(in, s.line)
	if err != nil {
		return err
	}
	return s.abandon("the quote is closed nowhere behind it")
}

func (s *rows) line(n int64, line []byte, long bool) error {
	if long || len(s.open)+len(line) >= maxLine {
		if err := s.abandon(fmt.Sprintf("the quote is not closed within %d bytes", maxLine)); err != nil {
			return err
		}
	}
	if long {
		s.r.entry()
		s.r.fail(n, string(line[:min(80, len(line))]), fmt.Sprintf("the row is longer than %d bytes", maxLine))
		return nil
	}
	if !s.scanner.quoted {
		if text := bytes.TrimSpace(line); len(text) == 0 || isComment(text) {
			return nil
		}
		s.first = n
	}
	if s.scanner.scan(line) {
		s.open = append(append(s.open, line...), '\n')
		return nil
	}
	if s.scanner.torn {
		s.open = append(append(s.open, line...), '\n')
		return s.abandon("text follows the next quote, so it closes none")
	}
	s.open = s.open[:0]
	return s.row(s.first)
}

// abandon gives up an open row: its first line is a failure, and each of the
// others is a row by itself. No line is read more than twice.
func (s *rows) abandon(reason string) error {
	if len(s.open) == 0 {
		return nil
	}
	n := s.first
	for line := range bytes.Lines(s.open) {
		line = bytes.TrimSuffix(line, []byte{'\n'})
		s.scanner.quoted = false
		text := bytes.TrimSpace(line)
		switch {
		case n > s.first && (len(text) == 0 || isComment(text)):
		case n == s.first || s.scanner.scan(line):
			s.skip = false
			s.r.entry()
			s.r.fail(n, string(line), "the row opens a quote: "+reason)
		default:
			if err := s.row(n); err != nil {
				return err
			}
		}
		n++
	}
	s.scanner.quoted = false
	s.open = s.open[:0]
	return nil
}

// row loads what the scanner has cut.
func (s *rows) row(n int64) error {
	if s.skip {
		s.skip = false
		return nil
	}
	s.r.row(n, s.scanner.fields, s.header)
	if s.r.now.Failed >= hopeless && s.r.now.Loaded+s.r.now.Skipped == 0 {
		return errHopeless
	}
	return nil
}

// row loads one row: the value of its column with the row's type, or all typed
// columns together as alternatives.
func (r *reader) row(n int64, fields []string, h csvHeader) {
	base := r.base()
	text, typ := "", ""
	var alternatives [][]indicator.Term
	var problem error
	for i, c := range h.columns {
		if i >= len(fields) {
			break
		}
		f := strings.TrimSpace(fields[i])
		if f == "" || f == "-" || strings.EqualFold(f, "none") || strings.EqualFold(f, "n/a") {
			continue
		}
		switch c.role {
		case value:
			if text == "" {
				text = f
			}
		case typeOf:
			typ = f
		case named:
			terms, err := typed(c.typ, f)
			if err != nil && problem == nil {
				problem = err
			}
			alternatives = append(alternatives, terms...)
		default:
			if err := property(base, c.role, f); err != nil && problem == nil {
				problem = err
			}
		}
	}
	if text != "" {
		var err error
		if alternatives, err = valueOfType(typ, text); err != nil && problem == nil {
			problem = err
		}
	}
	switch {
	case problem != nil:
		r.entry()
		r.fail(n, strings.Join(fields, string(h.comma)), problem.Error())
	case text != "" && alternatives == nil:
		r.entry()
		r.fail(n, text, fmt.Sprintf("the type %q is not known here: no field of a record carries it", short(typ, 40)))
	case alternatives == nil:
		r.entry()
		r.fail(n, strings.Join(fields, string(h.comma)), "the row has no value")
	default:
		if r.opt.Subdomains {
			withSubdomains(alternatives)
		}
		r.load(n, text, base, alternatives)
	}
}

// valueOfType reads a value of the type that the row names, or by its shape
// where it names none.
func valueOfType(typ, text string) ([][]indicator.Term, error) {
	if typ == "" {
		alternatives, err := free(text)
		if err == nil && alternatives == nil {
			err = errShape
		}
		return alternatives, err
	}
	return typed(typ, text)
}

// property sets what a row says about its indicator.
func property(in *indicator.Indicator, role role, text string) (err error) {
	switch role {
	case confidence:
		in.Confidence, err = confidenceOf(text)
	case tlp:
		in.TLP = stix.Label(text)
	case title:
		if in.Name == "" {
			in.Name = short(text, 200)
		}
	case identity:
		in.ID = short(text, 200)
	case validFrom:
		in.ValidFrom, err = instant(text)
	case validUntil:
		in.ValidUntil, err = instant(text)
	}
	return err
}

// confidenceOf reads 0 to 100, or the words of STIX 2.1 appendix A.
func confidenceOf(text string) (int, error) {
	switch strings.ToLower(text) {
	case "low":
		return 15, nil
	case "medium", "med", "moderate":
		return 50, nil
	case "high":
		return 85, nil
	}
	n, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
	if err != nil || n < 0 || n > 100 {
		return -1, fmt.Errorf("the confidence %.20q is no number from 0 to 100", text)
	}
	return int(n), nil
}
