package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strings"
)

// Limits bound what one record may cost.
type Limits struct {
	Line   int // bytes of one record
	Depth  int // nesting of objects and arrays
	Fields int // values of one record
}

// DefaultLimits are what borj uses unless told otherwise.
var DefaultLimits = Limits{Line: 64 << 20, Depth: 128, Fields: 16384}

// Errors that set a record aside. They say what, and the caller says where.
var (
	ErrDepth  = errors.New("nested too deeply")
	ErrFields = errors.New("too many fields")
	ErrLine   = errors.New("record too long")
)

// SyntaxError says what is wrong with a record, and at which of its bytes.
type SyntaxError struct {
	Offset int
	What   string
}

func (e *SyntaxError) Error() string { return fmt.Sprintf("byte %d: %s", e.Offset, e.What) }

// Flattener turns the text of records into flat views. It is not safe for
// concurrent use: each worker has one, over a shared Paths.
type Flattener struct {
	paths    *Paths
	limits   Limits
	rec      Record
	nodes    []pathNode          // by PathID: what this worker remembers of it
	children []map[string]PathID // by PathID: the keys met beneath it
	stack    []level
	key      []byte      // an escaped key, decoded
	paired   bool        // a part of a named Data element was met, see pairNames
	about    []pathFacts // by PathID: what Time, Host and NamesOf ask
}

// pathNode is one worker's memory of a path: how its key is written, and which
// paths came after it the last times, of which one nearly always comes now.
// Its key as a whole, `"key":`, is compared as two words that overlap.
type pathNode struct {
	head, mask uint64 // the first eight bytes, or as many as there are; 1, 0: not to be recognised
	tail       uint64 // the last eight
	size       uint32
	parent     PathID
	next       PathID
	other      PathID
	key        string
	role       pairRole
}

type level struct {
	path  PathID
	array bool
}

// NewFlattener returns a Flattener whose records share the path table.
func NewFlattener(paths *Paths, limits Limits) *Flattener {
	fl := &Flattener{paths: paths, limits: limits}
	fl.rec.paths, fl.rec.owner = paths, fl
	fl.grow(Overflow)
	fl.nodes[root].parent, fl.nodes[Overflow].parent = Overflow, Overflow
	return fl
}

// Flatten reads one JSON object. The record it returns is valid until the next
// call and refers to raw. What follows the object, other than white space, is
// an error.
func (fl *Flattener) Flatten(raw []byte, format Format) (*Record, error) {
	fl.rec.reset(raw, format)
	if len(raw) > fl.limits.Line || len(raw) > math.MaxUint32 {
		return nil, ErrLine
	}
	fields, err := fl.object(raw, fl.rec.Fields)
	fl.rec.Fields = fields
	if err != nil {
		return nil, err
	}
	if fl.paired {
		fl.pairNames()
	}
	return &fl.rec, nil
}

// object appends the fields of the object that s is.
func (fl *Flattener) object(s []byte, fields []Field) ([]Field, error) {
	i := skipSpace(s, 0)
	if i >= len(s) || s[i] != '{' {
		return fields, &SyntaxError{i, "not a JSON object"}
	}
	if i = skipSpace(s, i+1); i < len(s) && s[i] == '}' {
		return fields, onlySpace(s, i+1)
	}
	cur := root      // the path of the open container
	inArray := false // and its type
	last := root     // the path before this one
	stack := append(fl.stack[:0], level{path: root})
	for {
		// A member of an object begins with its key, mostly the expected one.
		path := cur
		if !inArray {
			path = fl.nodes[last].next
			if n := &fl.nodes[path]; n.parent == cur && n.begins(s, i) {
				i += int(n.size)
			} else {
				var err error
				if path, i, err = fl.member(s, i, cur, last); err != nil {
					return fields, err
				}
			}
			last = path
		}
		// Its value.
		if len(fields) >= fl.limits.Fields {
			return fields, ErrFields
		}
	value:
		if i >= len(s) {
			return fields, &SyntaxError{i, "the record ends before a value"}
		}
		start := i
		switch c := s[i]; c {
		case '"':
			end, kind := plainEnd(s, i+1), Text
			if end >= len(s) || s[end] != '"' {
				var err error
				var coded bool
				if end, coded, err = escapedEnd(s, end); err != nil {
					return fields, err
				}
				fl.rec.coded = fl.rec.coded || coded
				kind = Escaped
			}
			fields = append(fields, Field{path, uint32(start + 1), uint32(end), kind})
			i = end + 1
		case '{', '[':
			if len(stack) >= fl.limits.Depth {
				return fields, ErrDepth
			}
			if i = skipSpace(s, i+1); i < len(s) && s[i] == c+2 { // both closers stand two after their openers
				i++
				fields = append(fields, Field{path, uint32(start), uint32(i), Empty})
				break
			}
			stack = append(stack, level{path, c == '['})
			fl.stack = stack
			cur, inArray = path, c == '['
			continue
		case ' ', '\t', '\r', '\n':
			i = skipSpace(s, i)
			goto value
		default:
			end, kind := digitsEnd(s, i), Number // mostly the whole of it
			if end == i || end >= len(s) || s[end] != ',' && s[end] != '}' {
				end, kind = scalarEnd(s, i)
			}
			if kind == Text {
				return fields, &SyntaxError{i, "not a JSON value"}
			}
			fields = append(fields, Field{path, uint32(start), uint32(end), kind})
			i = end
		}
		// What closes after it, and a comma.
	after:
		if i >= len(s) {
			return fields, &SyntaxError{i, "the record ends inside an object or array"}
		}
		switch c := s[i]; c {
		case ',':
			i++
		case '}', ']':
			if (c == ']') != inArray {
				return fields, &SyntaxError{i, "an object and an array are closed crosswise"}
			}
			i++
			stack = stack[:len(stack)-1]
			if len(stack) == 0 {
				return fields, onlySpace(s, i)
			}
			cur, inArray = stack[len(stack)-1].path, stack[len(stack)-1].array
			goto after
		case ' ', '\t', '\r', '\n':
			i = skipSpace(s, i)
			goto after
		default:
			return fields, &SyntaxError{i, "a comma is missing"}
		}
	}
}

// begins tells whether the key of n stands at s[i:], its quotes and colon
// included.
func (n *pathNode) begins(s []byte, i int) bool {
	rest, size := s[min(i, len(s)):], int(n.size)
	if len(rest) < 8 || len(rest) < size || binary.LittleEndian.Uint64(rest)&n.mask != n.head {
		return false
	}
	return size <= 8 || binary.LittleEndian.Uint64(rest[size-8:]) == n.tail && (size <= 16 || string(rest[8:size-8]) == n.key[7:size-9])
}

// learn makes the node of key recognisable, if it is always written the same.
func (n *pathNode) learn(key string) {
	n.key = key
	if len(key) > maxKeyText || strings.ContainsAny(key, `"\`) {
		return
	}
	var word [8]byte
	written := `"` + key + `":`
	copy(word[:], written)
	n.head, n.mask, n.size = binary.LittleEndian.Uint64(word[:]), math.MaxUint64, uint32(len(written))
	if len(written) < 8 {
		n.mask = 1<<(8*len(written)) - 1
	} else {
		n.tail = binary.LittleEndian.Uint64([]byte(written[len(written)-8:]))
	}
}

// member reads a key of the object at path parent, and the colon after it,
// when it was not the expected one. last is the path before it.
func (fl *Flattener) member(s []byte, i int, parent, last PathID) (path PathID, after int, err error) {
	i = skipSpace(s, i)
	before := &fl.nodes[last]
	if n := &fl.nodes[before.next]; n.parent == parent && n.begins(s, i) {
		return before.next, i + int(n.size), nil // behind white space
	}
	if n := &fl.nodes[before.other]; n.parent == parent && n.begins(s, i) {
		before.next, before.other = before.other, before.next
		return before.next, i + int(n.size), nil
	}
	if i >= len(s) {
		return 0, i, &SyntaxError{i, "the record ends inside an object or array"}
	}
	if s[i] != '"' {
		return 0, i, &SyntaxError{i, "a key must be a string"}
	}
	end, esc, err := stringEnd(s, i+1)
	if err != nil {
		return 0, i, err
	}
	key := s[i+1 : end]
	if esc && len(key) <= 6*maxKeyText { // a longer one is Overflow however it is written
		fl.key = appendDecoded(fl.key[:0], key, Escaped)
		key = fl.key
	}
	if i = skipSpace(s, end+1); i >= len(s) || s[i] != ':' {
		return 0, i, &SyntaxError{i, "a colon is missing"}
	}
	path = fl.intern(parent, key)
	if before = &fl.nodes[last]; before.next != path {
		before.next, before.other = path, before.next
	}
	return path, i + 1, nil
}

// intern finds the path of key beneath parent in what this worker remembers,
// and then in the table that all share.
func (fl *Flattener) intern(parent PathID, key []byte) PathID {
	if parent == Overflow || len(key) > maxKeyText {
		return Overflow
	}
	if id, ok := fl.children[parent][string(key)]; ok {
		return id
	}
	id := fl.paths.Child(parent, string(key))
	if id == Overflow {
		return id
	}
	fl.grow(id)
	known := fl.paths.entry(id).key
	if fl.children[parent] == nil {
		fl.children[parent] = map[string]PathID{}
	}
	fl.children[parent][known] = id
	n := &fl.nodes[id]
	n.learn(known)
	n.parent, n.role = parent, fl.roleOf(parent, known)
	fl.paired = fl.paired || n.role != pairNone
	return id
}

// grow makes room to remember id.
func (fl *Flattener) grow(id PathID) {
	for int(id) >= len(fl.nodes) {
		fl.nodes = append(fl.nodes, pathNode{parent: Overflow, head: 1})
		fl.children = append(fl.children, nil)
	}
}

// onlySpace is the error of a record that goes on after its end.
func onlySpace(s []byte, i int) error {
	if i = skipSpace(s, i); i < len(s) {
		return &SyntaxError{i, "something follows the object"}
	}
	return nil
}

func skipSpace(s []byte, i int) int {
	for i < len(s) && s[i] <= ' ' && (s[i] == ' ' || s[i] == '\n' || s[i] == '\t' || s[i] == '\r') {
		i++
	}
	return i
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// stops returns the high bit of each byte of w that is a quote or a backslash,
// up to and including the first of them; later bits mean nothing.
func stops(w uint64) uint64 {
	q, b := w^(ones*'"'), w^(ones*'\\')
	return ((q-ones)&^q | (b-ones)&^b) & highs
}

// plainEnd returns the place of the next quote or backslash from i on, or
// len(s). Sixteen bytes are looked at together, so that the branches do not
// depend on how long a short string is.
func plainEnd(s []byte, i int) int {
	rest := s[i:]
	for len(rest) >= 16 {
		m, n := stops(binary.LittleEndian.Uint64(rest)), stops(binary.LittleEndian.Uint64(rest[8:]))
		if m|n != 0 {
			at := len(s) - len(rest)
			if m == 0 {
				at, m = at+8, n
			}
			return at + bits.TrailingZeros64(m)>>3
		}
		rest = rest[16:]
	}
	for len(rest) > 0 && rest[0] != '"' && rest[0] != '\\' {
		rest = rest[1:]
	}
	return len(s) - len(rest)
}

// stringEnd returns where the string that starts at i (after its quote) ends,
// and whether it holds escapes. Raw control characters and invalid UTF-8 are
// let through: they are the value.
func stringEnd(s []byte, i int) (end int, escaped bool, err error) {
	end = plainEnd(s, i)
	if end < len(s) && s[end] == '"' {
		return end, false, nil
	}
	end, _, err = escapedEnd(s, end)
	return end, true, err
}

// escapedEnd returns where a string ends that has a backslash at i, or nothing
// more. It looks at 64 bytes together: which of them are quotes, and which
// stand behind a backslash that is not itself escaped. coded tells whether a
// \u stands for a character that Verbatim vouches for.
func escapedEnd(s []byte, i int) (end int, coded bool, err error) {
	var carry uint64 // 1: the first byte of the block is escaped
	for ; i < len(s); i += 64 {
		block := s[i:]
		if len(block) < 64 {
			var room [64]byte
			copy(room[:], block)
			block = room[:]
		}
		var escaped uint64
		quotes, slashes := find((*[64]byte)(block), '"'), find((*[64]byte)(block), '\\')
		escaped, carry = escapedBits(slashes, carry)
		ends := quotes &^ escaped
		end := bits.TrailingZeros64(ends) // 64 when there is none
		for e := escaped &^ (quotes | slashes) & (1<<end - 1); e != 0; e &= e - 1 {
			at := i + bits.TrailingZeros64(e)
			if at < len(s) && escapable[s[at]] {
				continue
			}
			if !isUnicodeEscape(s, at) {
				return at, coded, escapeError(s, at)
			}
			coded = coded || isHidden(hex4(s[at+1:]))
		}
		if ends != 0 {
			return i + end, coded, nil
		}
	}
	return len(s), coded, &SyntaxError{len(s), "the record ends inside a string"}
}

// escapedBits returns which bytes stand behind an escaping backslash, and
// whether the first byte of the next block does. Within a run of backslashes
// every second one escapes: adding the runs that begin at odd places to the
// backslashes makes their carries come out behind the run, at the right parity.
func escapedBits(slashes, carry uint64) (escaped, next uint64) {
	const even = 0x5555555555555555
	slashes &^= carry
	follows := slashes<<1 | carry
	odd := slashes &^ even &^ follows
	sum, next := bits.Add64(odd, slashes, 0)
	return (even ^ sum<<1) & follows, next
}

// escapable are the characters that may follow a backslash, \u aside (RFC 8259 §7).
var escapable = [256]bool{'"': true, '\\': true, '/': true, 'b': true, 'f': true, 'n': true, 'r': true, 't': true}

// isUnicodeEscape tells whether s[i:] is a u and four hexadecimal digits.
func isUnicodeEscape(s []byte, i int) bool {
	if i+5 > len(s) || s[i] != 'u' {
		return false
	}
	return hexValue(s[i+1])|hexValue(s[i+2])|hexValue(s[i+3])|hexValue(s[i+4]) >= 0
}

// isHidden tells the characters that no writer needs to escape, so that one who
// does may want to hide them.
func isHidden(r rune) bool {
	return r >= ' ' && r < 0x7F && !strings.ContainsRune(escapedByWriters, r)
}

// escapeError says what is wrong with the escape whose backslash stands before i.
func escapeError(s []byte, i int) error {
	switch {
	case i >= len(s):
		return &SyntaxError{len(s), "the record ends inside a string"}
	case s[i] == 'u':
		return &SyntaxError{i - 1, `\u needs four hexadecimal digits`}
	}
	return &SyntaxError{i - 1, "unknown escape in a string"}
}

// find returns one bit for each byte of block, the first one lowest, that is c.
func find(block *[64]byte, c byte) uint64 {
	pattern := ones * uint64(c)
	return equal(block[0:8], pattern) | equal(block[8:16], pattern)<<8 | equal(block[16:24], pattern)<<16 | equal(block[24:32], pattern)<<24 |
		equal(block[32:40], pattern)<<32 | equal(block[40:48], pattern)<<40 | equal(block[48:56], pattern)<<48 | equal(block[56:64], pattern)<<56
}

// equal does the same for eight bytes; pattern is c, eight times.
func equal(s []byte, pattern uint64) uint64 {
	v := binary.LittleEndian.Uint64(s) ^ pattern
	m := ^(v&^highs + ^uint64(highs) | v) & highs
	return m >> 7 * 0x0102040810204080 >> 56
}

// scalarEnd reads a number, true, false or null. Text means: none of these.
// A number is any run of digits, signs, points and exponents that begins like
// one; it is kept as written, and read only by whoever compares it.
func scalarEnd(s []byte, i int) (int, Kind) {
	switch s[i] {
	case 't':
		if i+4 <= len(s) && string(s[i:i+4]) == "true" {
			return i + 4, True
		}
		return i, Text
	case 'f':
		if i+5 <= len(s) && string(s[i:i+5]) == "false" {
			return i + 5, False
		}
		return i, Text
	case 'n':
		if i+4 <= len(s) && string(s[i:i+4]) == "null" {
			return i + 4, Null
		}
		return i, Text
	case 'e', 'E':
		return i, Text
	}
	digits := false
	for end := i; ; end++ {
		run := end
		end = digitsEnd(s, end)
		digits = digits || end > run
		if end < len(s) {
			switch s[end] {
			case '-', '+', '.', 'e', 'E':
				continue
			}
		}
		if !digits {
			return i, Text
		}
		return end, Number
	}
}

// digitsEnd returns where the digits that start at i end.
func digitsEnd(s []byte, i int) int {
	for i+8 <= len(s) {
		v := binary.LittleEndian.Uint64(s[i:]) ^ ones*'0'
		if m := (v + ones*(0x80-10) | v) & highs; m != 0 {
			return i + bits.TrailingZeros64(m)>>3
		}
		i += 8
	}
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	return i
}

func hexValue(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
