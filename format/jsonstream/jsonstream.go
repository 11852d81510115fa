// Package jsonstream owns the reading of JSON documents that are too large to
// hold: it walks their outer arrays and objects and hands out the values inside
// one at a time, as text. It refuses to decode values, which encoding/json does
// once they are cut out, and to hold more than one of them.
package jsonstream

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// MaxDepth bounds the nesting of one value, and that of the arrays and objects
// that are walked around it.
const MaxDepth = 1000

// ErrLarge says that one value is longer than the Reader's limit. Raw has then
// passed over that value, and reading can go on behind it.
var ErrLarge = errors.New("a value is too large")

var errDepth = fmt.Errorf("nested deeper than %d levels", MaxDepth)

// Error says at which byte of the input reading stopped, and why. Reading
// cannot go on after it, unless it is ErrLarge.
type Error struct {
	Offset int64
	Err    error
}

func (e *Error) Error() string { return fmt.Sprintf("byte %d: %v", e.Offset, e.Err) }
func (e *Error) Unwrap() error { return e.Err }

// Reader walks one JSON text, or several that follow one another.
type Reader struct {
	br     *bufio.Reader
	offset int64
	limit  int
	depth  int // of Array and Object
	buf    []byte
}

// NewReader returns a Reader whose Raw returns at most limit bytes.
func NewReader(r io.Reader, limit int) *Reader {
	return &Reader{br: bufio.NewReaderSize(r, 64<<10), limit: limit}
}

// Offset returns how many bytes were read.
func (r *Reader) Offset() int64 { return r.offset }

func (r *Reader) fail(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return &Error{r.offset, err}
}

// Peek returns the first byte of the next value without reading it: io.EOF,
// unwrapped, where the input ends.
func (r *Reader) Peek() (byte, error) {
	for {
		b, err := r.br.Peek(1)
		if errors.Is(err, io.EOF) {
			return 0, io.EOF
		}
		if err != nil {
			return 0, r.fail(err)
		}
		switch b[0] {
		case ' ', '\t', '\r', '\n':
			r.discard(1)
		default:
			return b[0], nil
		}
	}
}

func (r *Reader) discard(n int) {
	// What was peeked at is there.
	_, _ = r.br.Discard(n)
	r.offset += int64(n)
}

// punctuation reads the next byte, which must be one of those given.
func (r *Reader) punctuation(want string) (byte, error) {
	c, err := r.Peek()
	if err != nil {
		return 0, r.inside(err)
	}
	for i := range len(want) {
		if c == want[i] {
			r.discard(1)
			return c, nil
		}
	}
	return 0, r.fail(fmt.Errorf("found %q, expected one of %q", c, want))
}

func (r *Reader) inside(err error) error {
	if errors.Is(err, io.EOF) {
		return r.fail(err)
	}
	return err
}

func (r *Reader) enter(bracket string) error {
	if r.depth++; r.depth > MaxDepth {
		return r.fail(errDepth)
	}
	_, err := r.punctuation(bracket)
	return err
}

// Array reads an array. element is called before each of its elements, and must
// read it.
func (r *Reader) Array(element func() error) error {
	if err := r.enter("["); err != nil {
		return err
	}
	defer func() { r.depth-- }()
	if c, err := r.Peek(); err == nil && c == ']' {
		r.discard(1)
		return nil
	}
	for {
		if err := element(); err != nil {
			return err
		}
		c, err := r.punctuation(",]")
		if err != nil || c == ']' {
			return err
		}
	}
}

// Object reads an object. member is called before the value of each of its
// members, and must read that value.
func (r *Reader) Object(member func(key string) error) error {
	if err := r.enter("{"); err != nil {
		return err
	}
	defer func() { r.depth-- }()
	if c, err := r.Peek(); err == nil && c == '}' {
		r.discard(1)
		return nil
	}
	for {
		if c, err := r.Peek(); err != nil || c != '"' {
			if err == nil {
				err = r.fail(fmt.Errorf("found %q, expected a key", c))
			}
			return r.inside(err)
		}
		raw, err := r.Raw()
		if err != nil {
			return err
		}
		var key string
		if err := json.Unmarshal(raw, &key); err != nil {
			return r.fail(err)
		}
		if _, err := r.punctuation(":"); err != nil {
			return err
		}
		if err := member(key); err != nil {
			return err
		}
		c, err := r.punctuation(",}")
		if err != nil || c == '}' {
			return err
		}
	}
}

// Raw reads one value. Its text is valid until the next call. Brackets and
// quotes are in balance; what stands between them was not looked at. A value
// that is too large is passed over to its end, and the error is ErrLarge at the
// byte where it begins.
func (r *Reader) Raw() ([]byte, error) {
	r.buf = r.buf[:0]
	start, large := int64(-1), false
	err := r.value(func(b []byte) {
		if start < 0 {
			start = r.offset
		}
		if large = large || len(r.buf)+len(b) > r.limit; !large {
			r.buf = append(r.buf, b...)
		}
	})
	if err == nil && large {
		return nil, &Error{start, fmt.Errorf("%w: more than %d bytes", ErrLarge, r.limit)}
	}
	return r.buf, err
}

// Skip reads one value and keeps nothing of it, however large it is.
func (r *Reader) Skip() error { return r.value(func([]byte) {}) }

// value cuts one value out of the input, and gives it to keep in pieces.
func (r *Reader) value(keep func([]byte)) error {
	c, err := r.Peek()
	if err != nil {
		return r.inside(err)
	}
	if c == ',' || c == ':' || c == ']' || c == '}' {
		return r.fail(fmt.Errorf("found %q, expected a value", c))
	}
	var s cutter
	for {
		if _, err := r.br.Peek(1); err != nil {
			if errors.Is(err, io.EOF) && s.scalar && s.depth == 0 {
				return nil
			}
			return r.fail(err)
		}
		b, _ := r.br.Peek(r.br.Buffered())
		n, done := s.scan(b)
		if s.depth > MaxDepth {
			return r.fail(errDepth)
		}
		keep(b[:n])
		r.discard(n)
		if done {
			return nil
		}
	}
}

// cutter finds the end of a value.
type cutter struct {
	depth   int
	quoted  bool
	escaped bool
	scalar  bool // a number, true, false or null, which ends before a delimiter
}

// scan returns how many bytes of b belong to the value, and whether it ended.
func (s *cutter) scan(b []byte) (n int, done bool) {
	for i, c := range b {
		switch {
		case s.quoted:
			switch {
			case s.escaped:
				s.escaped = false
			case c == '\\':
				s.escaped = true
			case c == '"':
				s.quoted = false
				if s.depth == 0 {
					return i + 1, true
				}
			}
		case c == '"':
			if s.scalar && s.depth == 0 {
				return i, true
			}
			s.quoted = true
		case c == '{' || c == '[':
			if s.scalar && s.depth == 0 {
				return i, true
			}
			if s.depth++; s.depth > MaxDepth {
				return i + 1, false
			}
		case c == '}' || c == ']':
			if s.depth == 0 {
				return i, true
			}
			if s.depth--; s.depth == 0 {
				return i + 1, true
			}
		case s.depth == 0:
			if c == ',' || c == ':' || c == ' ' || c == '\t' || c == '\r' || c == '\n' {
				return i, true
			}
			s.scalar = true
		}
	}
	return len(b), false
}
