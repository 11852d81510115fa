package observable

import (
	"bytes"

	"golang.org/x/net/idna"
)

// lookup maps a name as a resolver would, and is lenient about underscores.
var lookup = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false))

// Classes of the bytes of a domain name.
const (
	bad = iota
	plain
	upper
	dot
	wide
)

var nameClass = func() (t [256]uint8) {
	for c := range t {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_':
			t[c] = plain
		case c >= 'A' && c <= 'Z':
			t[c] = upper
		case c == '.':
			t[c] = dot
		case c >= 0x80:
			t[c] = wide
		}
	}
	return t
}()

// domain returns the canonical form of a domain name (RFC 1035 §2.3.4 lengths,
// RFC 5891 A-labels).
func domain(v, buf []byte) (value, grown []byte, err error) {
	if n := len(v); n > 1 && v[n-1] == '.' {
		v = v[:n-1]
	}
	var seen uint
	label := 0
	for _, c := range v {
		class := nameClass[c]
		seen |= 1 << class
		if class != dot {
			label++
			continue
		}
		if label == 0 || label > 63 {
			return nil, buf, errName
		}
		label = 0
	}
	switch {
	case seen&(1<<bad) != 0 || label == 0 || len(v) > 1024 || string(v) == "-": // how Windows and Zeek write nothing
		return nil, buf, errName
	case seen&(1<<wide) != 0:
		ascii, err := lookup.ToASCII(string(v))
		if err != nil {
			return nil, buf, errName
		}
		for i := range len(ascii) {
			if ascii[i] >= 0x80 {
				return nil, buf, errName
			}
		}
		return domain([]byte(ascii), buf)
	case label > 63 || len(v) > 253:
		return nil, buf, errName
	case seen&(1<<upper) != 0:
		value, buf = lower(v, buf)
		return value, buf, nil
	}
	return v, buf, nil
}

// host returns what a Host header or the authority of a URL names: an address
// or a domain name. A port and user information are left out.
func host(v, buf []byte) (kind Kind, value, grown []byte, err error) {
	if i := bytes.LastIndexByte(v, '@'); i >= 0 {
		v = v[i+1:]
	}
	if len(v) > 0 && v[0] == '[' {
		if i := bytes.IndexByte(v, ']'); i > 0 {
			return address(v[1:i], buf)
		}
	}
	if i := bytes.IndexByte(v, ':'); i >= 0 {
		if bytes.IndexByte(v[i+1:], ':') >= 0 {
			return address(v, buf)
		}
		if _, _, err := port(v[i+1:], nil); err != nil {
			return None, nil, buf, err
		}
		v = v[:i]
	}
	if len(v) == 0 {
		return None, nil, buf, errEmpty
	}
	if isIPv4(v) {
		return IPv4, v, buf, nil
	}
	value, grown, err = domain(v, buf)
	if err == nil && isIPv4(value) { // a trailing dot was taken off
		return IPv4, value, grown, nil
	}
	return Domain, value, grown, err
}

// email returns the bare address in lower case. The local part is formally
// sensitive to case (RFC 5321 §2.4); no system in use is.
func email(v, buf []byte) (value, grown []byte, err error) {
	if i := bytes.LastIndexByte(v, '<'); i >= 0 {
		v = v[i+1:]
		if j := bytes.IndexByte(v, '>'); j >= 0 {
			v = v[:j]
		}
	}
	v = bytes.TrimSpace(v)
	if len(v) > 7 && bytes.EqualFold(v[:7], []byte("mailto:")) {
		v = v[7:]
	}
	at := bytes.LastIndexByte(v, '@')
	if at < 1 || at > 256 {
		return nil, buf, errEmail
	}
	for _, c := range v[:at] {
		if !isMailByte(c) {
			return nil, buf, errEmail
		}
	}
	start := len(buf)
	local, buf := lower(v[:at], buf)
	if len(buf) == start {
		buf = append(buf, local...)
	}
	buf = append(buf, '@')
	mid := len(buf)
	name, buf, err := domain(v[at+1:], buf)
	if err != nil {
		return nil, buf[:start], errEmail
	}
	if len(buf) == mid {
		buf = append(buf, name...)
	}
	return buf[start:], buf, nil
}

// isMailByte tells whether c may stand in an unquoted local part (RFC 5322
// §3.2.3, RFC 6532).
func isMailByte(c byte) bool {
	return isAlnum(c) || c >= 0x80 || bytes.IndexByte([]byte(".!#$%&'*+/=?^_`{|}~-"), c) >= 0
}
