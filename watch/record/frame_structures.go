package record

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/bits"
)

// structures cuts JSON that is not one record a line: objects one after
// another however they are laid out, arrays of objects, and arrays inside an
// object under the key wrapper (when it is not ""). It only follows strings,
// braces and brackets; whether a record is right inside is for Flatten to say.
//
// A record that is broken, so that its end cannot be told, ends where the next
// line begins with { at the same indentation (or at none): the lines up to
// there are set aside with it. An element of an array that is broken on its
// first line ends before the next "},{" of that line, too.
func (f *framer) structures(wrapper string) error {
	return (&jsonScanner{f: f, wrapper: []byte(wrapper)}).read()
}

// jsonScanner follows the structure of a JSON text, in whatever pieces it
// arrives.
type jsonScanner struct {
	f       *framer
	wrapper []byte
	pos     int    // in f.buf: what was looked at
	spans   []span // the records found in f.buf

	// Where it stands.
	base   int      // the depth at which records stand: 0, 1 in an array, 2 in a wrapper's array
	depth  int      // of the objects and arrays that are open
	arrays []uint64 // one bit per depth: whether it is an array
	string bool     // in a string
	escape bool     // in a string, behind a backslash
	key    [2]int   // the last string in f.buf
	prev   byte     // the last character that is no white space
	indent int      // white space since the line began; -1 behind anything else
	tail   bool     // behind the array of a wrapper, but within its object

	// The open record.
	open     bool
	start    int64   // within the input
	lost     *Reject // it is too long to be kept
	broken   string  // why its end is only being looked for
	between  int     // while it is: how much of "},{" was seen
	scalar   bool    // it is no object: it ends with its line or element
	lines    int     // how many line ends it has
	own      int     // its indentation
	indented bool    // its second line is indented further
}

// Why a record is set aside before Flatten sees it.
const (
	reasonOpenString = "a line ends inside a string"
	reasonCrosswise  = "an object and an array are closed crosswise"
	reasonOpen       = "the record ends inside an object or array"
)

var errOpenArray = errors.New("the JSON array is not closed: the input is cut short; what stood before was read")

// read cuts the input to its end.
func (j *jsonScanner) read() error {
	for {
		j.f.fill(cap(j.f.buf))
		j.scan()
		if j.f.err != nil && j.pos == len(j.f.buf) {
			return j.finish()
		}
		if err := j.flush(); err != nil {
			return err
		}
	}
}

// followedDepth is how many open objects and arrays are followed, whatever the
// bound of a record: deep records are set aside whole, but not at any price.
const followedDepth = 1 << 16

// scan looks at what is in the buffer, or as much of it as makes a chunk.
func (j *jsonScanner) scan() {
	buf := j.f.buf
	for j.pos < len(buf) && len(j.spans) < chunkSpans {
		if j.open && j.indent < 0 && !j.scalar && !j.string && j.broken == "" {
			if j.plain(); j.pos == len(buf) {
				break
			}
		}
		c := buf[j.pos]
		switch {
		case j.broken != "":
			j.resume(c)
		case j.string:
			j.inString(c)
		case c == '\n':
			j.newline()
		case c == ' ' || c == '\t' || c == '\r':
			if j.indent >= 0 {
				j.indent++
			}
			j.pos++
		default:
			j.structure(c)
		}
		j.bound()
	}
	j.bound()
}

// bound notices when the open record is too long to be kept.
func (j *jsonScanner) bound() {
	if j.open && j.lost == nil && j.at(j.pos)-j.start > int64(j.f.limits.Line) {
		j.lost = tooLong(j.f.in, j.start, 0, j.f.buf[j.start-j.f.offset:j.pos])
	}
}

// plain passes over what changes nothing within a line of a record: names,
// numbers, commas, colons, blanks and whole strings.
func (j *jsonScanner) plain() {
	buf, i := j.f.buf, j.pos
	for i < len(buf) {
		c := buf[i]
		if c != '"' {
			if structural[c] {
				break
			}
			if c > ' ' {
				j.prev = c
			}
			i++
			continue
		}
		end := stringStop(buf, i+1)
		if end == len(buf) || buf[end] != '"' {
			break
		}
		j.key = [2]int{i + 1, end}
		j.prev = '"'
		i = end + 1
	}
	j.pos = i
}

// structural marks the bytes that plain stops at.
var structural = [256]bool{'{': true, '}': true, '[': true, ']': true, '\n': true}

// stringStop returns where the next quote, backslash or line end stands.
func stringStop(s []byte, i int) int {
	for ; i+8 <= len(s); i += 8 {
		w := binary.LittleEndian.Uint64(s[i:])
		q, b, n := w^(ones*'"'), w^(ones*'\\'), w^(ones*'\n')
		if m := ((q-ones)&^q | (b-ones)&^b | (n-ones)&^n) & highs; m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
	}
	for i < len(s) && s[i] != '"' && s[i] != '\\' && s[i] != '\n' {
		i++
	}
	return i
}

// at turns a place in the buffer into one in the input.
func (j *jsonScanner) at(pos int) int64 { return j.f.offset + int64(pos) }

func (j *jsonScanner) inString(c byte) {
	switch {
	case c == '\n':
		j.fail(reasonOpenString)
		return
	case j.escape:
		j.escape = false
	case c == '\\':
		j.escape = true
	case c == '"':
		j.string = false
		j.key[1] = j.pos
	default: // most bytes of most strings
		j.pos = stringStop(j.f.buf, j.pos)
		return
	}
	j.pos++
}

func (j *jsonScanner) newline() {
	if j.scalar {
		j.end(j.pos, "")
	}
	j.indent = 0
	j.lines++
	j.pos++
}

// structure takes one character that stands outside strings.
func (j *jsonScanner) structure(c byte) {
	indent := j.indent
	if j.open && !j.scalar && c == '{' && indent == j.own && j.fresh() {
		j.end(j.pos, reasonOpen)
		j.depth = j.base
	}
	if !j.open && !j.tail && j.depth == j.base && !j.begin(c, indent) {
		return
	}
	if j.lines == 1 && indent > j.own {
		j.indented = true
	}
	j.indent = -1
	switch {
	case j.scalar && j.base == 0:
	case c == '"':
		j.string = true
		j.key[0] = j.pos + 1
	case j.scalar && (c == ',' || c == ']'):
		j.end(j.pos, "")
		return
	case j.scalar:
	case (c == '{' || c == '[') && j.depth >= max(followedDepth, j.f.limits.Depth+2): // a wrapper and its array
		j.fail(ErrDepth.Error())
		return
	case c == '{':
		j.push(false)
	case c == '[':
		wrapped := j.isWrapper()
		j.push(true)
		if wrapped {
			j.open, j.base = false, 2
		}
	case c == '}' || c == ']':
		if j.depth == 0 || j.isArray() != (c == ']') {
			j.fail(reasonCrosswise)
			return
		}
		j.depth--
		if j.open && j.depth == j.base {
			j.end(j.pos+1, "")
		}
		j.tail = j.tail && j.depth > 0
	}
	j.prev = c
	j.pos++
}

// begin takes a character that stands between records, and tells whether a
// record begins with it.
func (j *jsonScanner) begin(c byte, indent int) bool {
	switch {
	case c == ',':
	case c == '[' && j.base == 0:
		j.push(true)
		j.base = 1
	case c == ']' && j.base > 0:
		j.depth--
		j.tail = j.depth > 0
		j.base = 0
	default:
		j.open, j.start, j.lines, j.own, j.indented = true, j.at(j.pos), 0, max(indent, 0), false
		j.scalar = c != '{' && c != '['
		j.key = [2]int{j.pos, j.pos}
		return true
	}
	j.indent, j.prev = -1, c
	j.pos++
	return false
}

// fresh tells whether a brace that begins a line just as the open record's
// first brace did begins another record.
func (j *jsonScanner) fresh() bool {
	switch {
	case j.indented:
		return true
	case j.isArray():
		return j.prev != ',' && j.prev != '['
	}
	return j.prev != ':'
}

// isWrapper tells whether the array that begins here holds the records of the
// open object.
func (j *jsonScanner) isWrapper() bool {
	return len(j.wrapper) > 0 && j.open && j.lost == nil && j.base == 0 && j.depth == 1 && j.prev == ':' &&
		bytes.Equal(j.f.buf[j.key[0]:j.key[1]], j.wrapper)
}

// end closes the open record before pos.
func (j *jsonScanner) end(pos int, reason string) {
	if j.lost != nil {
		j.lost.Bytes = j.at(pos) - j.start
		j.spans = append(j.spans, span{lost: j.lost})
	} else {
		start := int(j.start - j.f.offset)
		text := bytes.TrimRight(j.f.buf[start:pos], " \t\r\n")
		j.spans = append(j.spans, span{start: uint32(start), end: uint32(start + len(text)), reason: reason})
	}
	j.open, j.lost, j.broken, j.scalar = false, nil, "", false
}

// fail begins to look for the end of a record that is broken at pos.
func (j *jsonScanner) fail(reason string) {
	if !j.open {
		j.open, j.start, j.own = true, j.at(j.pos), 0
	}
	j.broken, j.string, j.escape, j.tail, j.indent, j.between = reason, false, false, false, -1, 0
}

// resume looks at the bytes behind a broken place.
func (j *jsonScanner) resume(c byte) {
	switch {
	case c == '\n':
		j.indent = 0
		j.lines++
	case j.indent < 0 && j.base > 0 && j.lines == 0:
		if j.passElement(c) {
			j.end(j.pos, j.broken)
			j.depth = j.base
			return
		}
	case j.indent < 0:
		if n := bytes.IndexByte(j.f.buf[j.pos:], '\n'); n > 0 {
			j.pos += n
		} else {
			j.pos = len(j.f.buf)
		}
		return
	case c == ' ' || c == '\t' || c == '\r':
		j.indent++
	case c == '{' && (j.indent == j.own || j.indent == 0):
		if j.indent != j.own {
			j.base = 0
		}
		j.end(j.pos, j.broken)
		j.depth = j.base
		return
	default:
		j.indent = -1
	}
	j.pos++
}

// passElement tells whether c is the brace behind "}," with which an array
// goes on on the same line.
func (j *jsonScanner) passElement(c byte) bool {
	switch {
	case c == '}':
		j.between = 1
	case c == ',' && j.between == 1:
		j.between = 2
	case c == '{' && j.between == 2:
		return true
	case c != ' ' && c != '\t' && c != '\r':
		j.between = 0
	}
	return false
}

func (j *jsonScanner) push(array bool) {
	if j.depth/64 == len(j.arrays) {
		j.arrays = append(j.arrays, 0)
	}
	bit := uint64(1) << (j.depth % 64)
	if array {
		j.arrays[j.depth/64] |= bit
	} else {
		j.arrays[j.depth/64] &^= bit
	}
	j.depth++
}

func (j *jsonScanner) isArray() bool {
	d := j.depth - 1
	return d >= 0 && j.arrays[d/64]&(1<<(d%64)) != 0
}

// flush emits the records that were found, and makes room for more.
func (j *jsonScanner) flush() error {
	f := j.f
	done := j.pos
	if j.open && j.lost == nil {
		done = int(j.start - f.offset)
	}
	if done == 0 && len(j.spans) == 0 {
		f.grow()
		return nil
	}
	offset := f.offset
	data := f.take(done)
	j.pos -= done
	j.key[0] -= done
	j.key[1] -= done
	c := &Chunk{Input: f.in, data: data, block: data, offset: offset, cut: cutSpans, spans: j.spans}
	j.spans = make([]span, 0, len(c.spans)+len(c.spans)/8)
	if len(c.spans) == 0 {
		c.Release()
		return nil
	}
	return f.emit(c)
}

// finish emits what is left when there is nothing more to read.
func (j *jsonScanner) finish() error {
	if j.open {
		reason := j.broken
		if reason == "" && !j.scalar {
			reason = reasonOpen
		}
		j.end(j.pos, reason)
	}
	if err := j.flush(); err != nil {
		return err
	}
	if j.base > 0 && errors.Is(j.f.err, io.EOF) {
		return errOpenArray
	}
	return nil
}
