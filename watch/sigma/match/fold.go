package match

import (
	"encoding/binary"
	"math/bits"

	"borj.dev/borj/watch/record"
	"borj.dev/borj/watch/sigma"
)

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
	// padding is how many bytes beyond a folded value may be read.
	padding = 8
)

// appendFolded appends the value of f, decoded and folded, and padding zero
// bytes that are not counted in the length it returns. ascii tells whether
// the value holds nothing but ASCII. plain gives the decoded value, for those
// that cannot be folded as they stand.
func appendFolded(dst []byte, rec *record.Record, f *record.Field, plain func() []byte) (out []byte, length int, ascii bool) {
	raw := rec.Raw[f.Start:f.End]
	start := len(dst)
	dst = grow(dst, len(raw)+2*padding)
	switch f.Kind {
	case record.Escaped:
		length, ascii = foldEscaped(dst[start:], raw)
	case record.Text, record.Number:
		length, ascii = foldPlain(dst[start:], raw)
	default:
		ascii = false // rare kinds take the slow road below
	}
	if !ascii {
		value := plain()
		dst = sigma.Fold(dst[:start], value)
		length = len(dst) - start
		ascii = isASCII(value)
		dst = grow(dst, padding)
	}
	clear(dst[start+length : start+length+padding])
	return dst[:start+length+padding], length, ascii
}

func grow(b []byte, n int) []byte {
	if cap(b)-len(b) < n {
		b = append(b, make([]byte, n+len(b))...)[:len(b)]
	}
	return b[:len(b)+n]
}

func isASCII(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// lower8 lower-cases eight ASCII letters at once; bytes must be below 0x80.
func lower8(w uint64) uint64 {
	upper := ((w + ones*(0x80-'A')) &^ (w + ones*(0x80-'Z'-1))) & highs
	return w | upper>>2
}

// foldPlain writes raw folded to dst, which has room for len(raw)+8 bytes.
func foldPlain(dst, raw []byte) (n int, ascii bool) {
	i := 0
	for ; i+8 <= len(raw); i += 8 {
		w := binary.LittleEndian.Uint64(raw[i:])
		if w&highs != 0 {
			return 0, false
		}
		binary.LittleEndian.PutUint64(dst[i:], lower8(w))
	}
	for ; i < len(raw); i++ {
		c := raw[i]
		if c >= 0x80 {
			return 0, false
		}
		dst[i] = lowerByte[c]
	}
	return i, true
}

// foldEscaped is foldPlain for a JSON string with escapes. It gives up, with
// ascii false, on anything but ASCII and on \u escapes.
func foldEscaped(dst, raw []byte) (n int, ascii bool) {
	i := 0
	for i < len(raw) {
		if i+8 <= len(raw) {
			w := binary.LittleEndian.Uint64(raw[i:])
			if w&highs != 0 {
				return 0, false
			}
			binary.LittleEndian.PutUint64(dst[n:], lower8(w))
			x := w ^ ones*'\\'
			m := (x - ones) &^ x & highs
			if m == 0 {
				i += 8
				n += 8
				continue
			}
			k := bits.TrailingZeros64(m) >> 3
			i += k
			n += k
		}
		c := raw[i]
		if c != '\\' {
			if c >= 0x80 {
				return 0, false
			}
			dst[n] = lowerByte[c]
			i++
			n++
			continue
		}
		c = unescaped[raw[i+1]]
		if c == 0 {
			return 0, false
		}
		dst[n] = c
		i += 2
		n++
	}
	return n, true
}

// unescaped maps the letter after a backslash to what it stands for; 0 for u.
var unescaped = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

var lowerByte = func() (t [256]byte) {
	for i := range t {
		t[i] = byte(i)
		if i >= 'A' && i <= 'Z' {
			t[i] += 'a' - 'A'
		}
	}
	return
}()
