package record

import (
	"bytes"
	"unicode/utf8"
)

// maxDigits is the longest number that is rendered as a number; some readers
// refuse longer ones.
const maxDigits = 1024

// AppendEvent appends the whole record as one line of valid JSON (RFC 8259).
// A JSON record is copied without its white space; what is not valid in it is
// mended: bytes that are no UTF-8 and lone surrogates become U+FFFD, and what
// is no JSON number, such as 00012, becomes a string. What a terminal or an
// editor would act on instead of showing it (see isActive) is always escaped.
// A text record (CSV, Zeek TSV, audit) becomes an object of its
// fields; a field with several values becomes an array.
func (r *Record) AppendEvent(dst []byte) []byte {
	if r.isJSON() {
		return appendObject(dst, r.Raw)
	}
	return r.appendFields(dst)
}

// appendObject copies the JSON object s, which Flatten accepted.
func appendObject(dst, s []byte) []byte {
	for i := 0; i < len(s); {
		switch c := s[i]; c {
		case ' ', '\n', '\t', '\r':
			i++
		case '{', '}', '[', ']', ',', ':':
			dst = append(dst, c)
			i++
		case '"':
			end, esc, err := stringEnd(s, i+1)
			if err != nil { // not a record that Flatten accepted
				return append(dst, '"', '"')
			}
			dst = appendJSONString(dst, s[i+1:end], esc)
			i = end + 1
		default:
			end, kind := scalarEnd(s, i)
			if kind == Text {
				return dst
			}
			dst = appendScalar(dst, s[i:end], kind)
			i = end
		}
	}
	return dst
}

// appendJSONString copies the inside of a JSON string if it is valid as it
// stands, and writes it anew otherwise.
func appendJSONString(dst, raw []byte, escaped bool) []byte {
	if isClean(raw) && (!escaped || !bytes.Contains(raw, []byte(`\u`))) {
		dst = append(dst, '"')
		dst = append(dst, raw...)
		return append(dst, '"')
	}
	if escaped {
		raw = appendUnescaped(nil, raw)
	}
	return appendQuoted(dst, raw)
}

// isClean tells whether s holds neither active characters nor invalid UTF-8.
func isClean(s []byte) bool {
	for i := 0; i < len(s); {
		r, n := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRune(s[i:])
		}
		if isActive(r) || r == utf8.RuneError && n == 1 {
			return false
		}
		i += n
	}
	return true
}

// isActive tells the characters that do something instead of being seen: the
// controls C0, DEL and C1, separators of lines and paragraphs, and what sets
// the direction of text (Unicode Standard Annex #9, §2) or marks byte order.
func isActive(r rune) bool {
	switch {
	case r < ' ', r >= 0x7F && r < 0xA0:
		return true
	case r == 0x061C, r == 0x200E, r == 0x200F, r >= 0x2028 && r <= 0x202E, r >= 0x2066 && r <= 0x2069, r == 0xFEFF:
		return true
	}
	return false
}

// appendScalar writes true, false, null and numbers.
func appendScalar(dst, raw []byte, kind Kind) []byte {
	switch {
	case kind == Null:
		return append(dst, "null"...)
	case kind == True:
		return append(dst, "true"...)
	case kind == False:
		return append(dst, "false"...)
	case kind == Number && len(raw) <= maxDigits && isJSONNumber(raw):
		return append(dst, raw...)
	}
	return appendQuoted(dst, raw)
}

// isJSONNumber follows RFC 8259 §6.
func isJSONNumber(s []byte) bool {
	digits := func() bool {
		n := 0
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		s = s[n:]
		return n > 0
	}
	s = bytes.TrimPrefix(s, []byte("-"))
	if len(s) > 0 && s[0] == '0' {
		s = s[1:]
	} else if !digits() {
		return false
	}
	if len(s) > 0 && s[0] == '.' {
		if s = s[1:]; !digits() {
			return false
		}
	}
	if len(s) > 0 && (s[0] == 'e' || s[0] == 'E') {
		if s = s[1:]; len(s) > 0 && (s[0] == '+' || s[0] == '-') {
			s = s[1:]
		}
		if !digits() {
			return false
		}
	}
	return len(s) == 0
}

// appendQuoted writes a value as a JSON string.
func appendQuoted(dst, value []byte) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	for i := 0; i < len(value); {
		r, n := utf8.DecodeRune(value[i:])
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r == '\n':
			dst = append(dst, '\\', 'n')
		case r == '\r':
			dst = append(dst, '\\', 'r')
		case r == '\t':
			dst = append(dst, '\\', 't')
		case isActive(r):
			dst = append(dst, '\\', 'u', hex[r>>12], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
		i += n
	}
	return append(dst, '"')
}

// appendFields renders the fields themselves, in the order in which each path
// comes first.
func (r *Record) appendFields(dst []byte) []byte {
	values := map[string][]int{}
	var order []string
	for i := range r.Fields {
		path := r.NamesOf(&r.Fields[i])[0]
		if values[path] == nil {
			order = append(order, path)
		}
		values[path] = append(values[path], i)
	}
	dst = append(dst, '{')
	for n, path := range order {
		if n > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(dst, []byte(path)), ':')
		if len(values[path]) == 1 {
			dst = r.appendValue(dst, &r.Fields[values[path][0]])
			continue
		}
		dst = append(dst, '[')
		for k, i := range values[path] {
			if k > 0 {
				dst = append(dst, ',')
			}
			dst = r.appendValue(dst, &r.Fields[i])
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

// appendValue renders one value of a text record.
func (r *Record) appendValue(dst []byte, f *Field) []byte {
	switch {
	case f.Kind == Empty:
		return append(dst, "[]"...)
	case f.Kind.IsString():
		value, _ := r.Bytes(f, nil)
		return appendQuoted(dst, value)
	}
	return appendScalar(dst, r.Raw[f.Start:f.End], f.Kind)
}
