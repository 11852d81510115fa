package record

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
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
	paths  *Paths
	limits Limits
	rec    Record
	nodes  []pathNode // by PathID: what this worker remembers of it
	stack  []level
	key    []byte      // an escaped key, decoded
	paired bool        // a part of a named Data element was met, see pairNames
	about  []pathFacts // by PathID: what Time, Host and NamesOf ask
}

// pathNode is one worker's memory of a path: the keys beneath it, and which
// path followed it last time, which is nearly always the one that follows now.
type pathNode struct {
	parent   PathID
	next     PathID
	role     pairRole
	key      string
	children map[string]PathID
}

type level struct {
	path  PathID
	array bool
}

// NewFlattener returns a Flattener whose records share the path table.
func NewFlattener(paths *Paths, limits Limits) *Flattener {
	fl := &Flattener{paths: paths, limits: limits}
	fl.rec.paths, fl.rec.owner = paths, fl
	fl.nodes = make([]pathNode, 2)
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
	if err := fl.object(raw); err != nil {
		return nil, err
	}
	if fl.paired {
		fl.pairNames()
	}
	return &fl.rec, nil
}

func (fl *Flattener) object(s []byte) error {
	i := skipSpace(s, 0)
	if i >= len(s) || s[i] != '{' {
		return &SyntaxError{i, "not a JSON object"}
	}
	i++
	fl.stack = append(fl.stack[:0], level{path: root})
	cur := root      // the path of the open container
	inArray := false // and its type
	last := root     // the path before this one
	first := true
	for {
		i = skipSpace(s, i)
		if i >= len(s) {
			return &SyntaxError{i, "the record ends inside an object or array"}
		}
		path := cur
		if c := s[i]; c == '}' || c == ']' {
			if (c == ']') != inArray {
				return &SyntaxError{i, "an object and an array are closed crosswise"}
			}
			i++
			first = false
			fl.stack = fl.stack[:len(fl.stack)-1]
			if len(fl.stack) == 0 {
				if i = skipSpace(s, i); i < len(s) {
					return &SyntaxError{i, "something follows the object"}
				}
				return nil
			}
			top := fl.stack[len(fl.stack)-1]
			cur, inArray = top.path, top.array
			continue
		}
		if !first {
			if s[i] != ',' {
				return &SyntaxError{i, "a comma is missing"}
			}
			i = skipSpace(s, i+1)
			if i >= len(s) {
				return &SyntaxError{i, "the record ends inside an object or array"}
			}
		}
		first = false
		if !inArray {
			if s[i] != '"' {
				return &SyntaxError{i, "a key must be a string"}
			}
			start := i + 1
			end, esc, err := stringEnd(s, start)
			if err != nil {
				return err
			}
			path = fl.child(cur, last, s[start:end], esc)
			last = path
			i = skipSpace(s, end+1)
			if i >= len(s) || s[i] != ':' {
				return &SyntaxError{i, "a colon is missing"}
			}
			i = skipSpace(s, i+1)
			if i >= len(s) {
				return &SyntaxError{i, "the record ends before a value"}
			}
		}
		if len(fl.rec.Fields) >= fl.limits.Fields {
			return ErrFields
		}
		switch c := s[i]; {
		case c == '"':
			start := i + 1
			end, esc, err := stringEnd(s, start)
			if err != nil {
				return err
			}
			kind := Text
			if esc {
				kind = Escaped
			}
			fl.rec.Fields = append(fl.rec.Fields, Field{path, uint32(start), uint32(end), kind})
			i = end + 1
		case c == '{' || c == '[':
			if len(fl.stack) >= fl.limits.Depth {
				return ErrDepth
			}
			start := i
			if i = skipSpace(s, i+1); i < len(s) && s[i] == c+2 { // '}' and ']' follow two after their openers
				i++
				fl.rec.Fields = append(fl.rec.Fields, Field{path, uint32(start), uint32(i), Empty})
				continue
			}
			fl.stack = append(fl.stack, level{path, c == '['})
			cur, inArray, first = path, c == '[', true
		default:
			end, kind := scalarEnd(s, i)
			if kind == Text {
				return &SyntaxError{i, "not a JSON value"}
			}
			fl.rec.Fields = append(fl.rec.Fields, Field{path, uint32(i), uint32(end), kind})
			i = end
		}
	}
}

// child finds the path of key beneath parent. last is the path before it.
func (fl *Flattener) child(parent, last PathID, key []byte, esc bool) PathID {
	next := fl.nodes[last].next
	if n := &fl.nodes[next]; n.parent == parent && n.key == string(key) && next > Overflow && !esc {
		return next
	}
	if esc {
		fl.key = appendDecoded(fl.key[:0], key, Escaped)
		key = fl.key
	}
	id := fl.intern(parent, key)
	if last != Overflow {
		fl.nodes[last].next = id
	}
	return id
}

// intern finds the path of key beneath parent in what this worker remembers,
// and then in the table that all share.
func (fl *Flattener) intern(parent PathID, key []byte) PathID {
	if parent == Overflow || len(key) > maxKeyText {
		return Overflow
	}
	if id, ok := fl.nodes[parent].children[string(key)]; ok {
		return id
	}
	id := fl.paths.Child(parent, string(key))
	if id == Overflow {
		return id
	}
	for int(id) >= len(fl.nodes) {
		fl.nodes = append(fl.nodes, pathNode{})
	}
	n := &fl.nodes[parent]
	if n.children == nil {
		n.children = map[string]PathID{}
	}
	known := fl.paths.entry(id).key
	n.children[known] = id
	role := fl.roleOf(parent, known)
	fl.nodes[id].parent, fl.nodes[id].key, fl.nodes[id].role = parent, known, role
	fl.paired = fl.paired || role != pairNone
	return id
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

// stringEnd returns where the string that starts at i (after its quote) ends,
// and whether it holds escapes. Raw control characters and invalid UTF-8 are
// let through: they are the value.
func stringEnd(s []byte, i int) (end int, escaped bool, err error) {
	for {
		for i+8 <= len(s) {
			w := binary.LittleEndian.Uint64(s[i:])
			q, b := w^(ones*'"'), w^(ones*'\\')
			m := ((q-ones)&^q | (b-ones)&^b) & highs
			if m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				break
			}
			i += 8
		}
		for i < len(s) && s[i] != '"' && s[i] != '\\' {
			i++
		}
		if i >= len(s) {
			return i, escaped, &SyntaxError{i, "the record ends inside a string"}
		}
		if s[i] == '"' {
			return i, escaped, nil
		}
		escaped = true
		if i+1 >= len(s) {
			return i, escaped, &SyntaxError{i, "the record ends inside a string"}
		}
		switch s[i+1] {
		case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			i += 2
		case 'u':
			for k := i + 2; k < i+6; k++ {
				if k >= len(s) || hexValue(s[k]) < 0 {
					return i, escaped, &SyntaxError{i, "\\u needs four hexadecimal digits"}
				}
			}
			i += 6
		default:
			return i, escaped, &SyntaxError{i, "unknown escape in a string"}
		}
	}
}

// scalarEnd reads a number, true, false or null. Text means: none of these.
func scalarEnd(s []byte, i int) (int, Kind) {
	start := i
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
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits = true
		case c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E':
		default:
			if !digits {
				return start, Text
			}
			return i, Number
		}
	}
	if !digits {
		return start, Text
	}
	return i, Number
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
