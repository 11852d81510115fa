package observable

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxLength bounds an observable, in bytes. A longer value is none.
const MaxLength = 32 << 10

// Why a text has no canonical form. They are made once, since extraction meets
// them at every other field.
var (
	errEmpty    = errors.New("it is empty")
	errLong     = errors.New("it is longer than 32 KiB")
	errLayers   = errors.New("it is defanged in too many layers")
	errAddress  = errors.New("it is no IP address")
	errName     = errors.New("it is no domain name")
	errURL      = errors.New("it is no URL")
	errEmail    = errors.New("it is no e-mail address")
	errHash     = errors.New("it does not have the digits of this hash")
	errJA4      = errors.New("it does not have the shape of a JA4 fingerprint")
	errSerial   = errors.New("it is no serial number in hexadecimal digits")
	errPort     = errors.New("it is no port number")
	errFileName = errors.New("it names no file")
	errKind     = errors.New("the kind is unknown")
)

// Canonical returns the one form of text that all ways of writing the same
// value of this kind share. What it returns is a fixed point. Addresses, names,
// URLs and e-mail addresses may be defanged (see Refang).
//
//   - Addresses: RFC 5952, without a zone. An IPv4-mapped IPv6 address becomes
//     the IPv4 address, so IPv4 and IPv6 accept both and AddressKind tells what
//     came out.
//   - Domain: lower case, A-labels, no trailing dot, labels of letters, digits,
//     hyphens and underscores.
//   - URL: scheme and host lower case, "http" where there is no scheme, default
//     port and fragment dropped, an empty path becomes "/", percent escapes in
//     upper case, bytes that must be escaped are.
//   - Email: the bare address in lower case.
//   - Hashes and fingerprints: lower-case digits without colons.
//   - FileName: the part behind the last slash or backslash, lower case.
//   - RegistryKey: lower case, the hive written out (hkey_local_machine), no
//     slash at the end.
//   - UserAgent, CommandLine: without white space around them.
//   - CertSubject, CertIssuer: lower case, no space around commas.
//   - Ports: decimal.
func Canonical(kind Kind, text string) (string, error) {
	if len(text) > 2*MaxLength { // room for what was defanged
		return "", fmt.Errorf("%.80q as %s: %w", text, kind, errLong)
	}
	v := strings.TrimSpace(text)
	switch kind {
	case IPv4, IPv6, Domain, URL, Email:
		for range 8 {
			r := strings.TrimSpace(Refang(v))
			if r == v {
				break
			}
			v = r
		}
		if Refang(v) != v {
			return "", fmt.Errorf("%.80q as %s: %w", text, kind, errLayers)
		}
	}
	out, _, err := appendCanonical(kind, []byte(v), nil)
	if err != nil {
		return "", fmt.Errorf("%.80q as %s: %w", text, kind, err)
	}
	if string(out) == v {
		return v, nil
	}
	return string(out), nil
}

// appendCanonical returns the canonical form of v: v itself where it is that
// already, and otherwise bytes appended to buf. The second result is buf, grown.
func appendCanonical(kind Kind, v, buf []byte) (value, grown []byte, err error) {
	if len(v) == 0 {
		return nil, buf, errEmpty
	}
	if len(v) > MaxLength {
		return nil, buf, errLong
	}
	switch kind {
	case IPv4, IPv6:
		_, value, grown, err = address(v, buf)
		return value, grown, err
	case Domain:
		return domain(v, buf)
	case URL:
		return url(v, buf)
	case Email:
		return email(v, buf)
	case MD5, Imphash, JA3, JA3S:
		return digits(v, buf, 32)
	case SHA1, CertSHA1:
		return digits(v, buf, 40)
	case SHA256, CertSHA256:
		return digits(v, buf, 64)
	case SHA512:
		return digits(v, buf, 128)
	case JA4:
		return ja4(v, buf)
	case CertSerial:
		return serial(v, buf)
	case CertSubject, CertIssuer:
		return distinguishedName(v, buf)
	case FileName:
		return fileName(v, buf)
	case RegistryKey:
		return registryKey(v, buf)
	case UserAgent, CommandLine:
		v = bytes.TrimSpace(v)
		if len(v) == 0 {
			return nil, buf, errEmpty
		}
		return v, buf, nil
	case SourcePort, DestinationPort:
		return port(v, buf)
	}
	return nil, buf, errKind
}

// lower returns v in lower case.
func lower(v, buf []byte) (value, grown []byte) {
	plain := true
	for _, c := range v {
		if c >= utf8.RuneSelf || c >= 'A' && c <= 'Z' {
			plain = false
			break
		}
	}
	if plain {
		return v, buf
	}
	n := len(buf)
	for i := 0; i < len(v); {
		if c := v[i]; c < utf8.RuneSelf {
			if c >= 'A' && c <= 'Z' {
				c += 'a' - 'A'
			}
			buf = append(buf, c)
			i++
			continue
		}
		r, size := utf8.DecodeRune(v[i:])
		if r == utf8.RuneError && size == 1 {
			buf = append(buf, v[i]) // no UTF-8: the byte is the value
		} else {
			buf = utf8.AppendRune(buf, unicode.ToLower(r))
		}
		i += size
	}
	return buf[n:], buf
}

// digits reads n hexadecimal digits, perhaps with colons or blanks between
// their pairs.
func digits(v, buf []byte, n int) (value, grown []byte, err error) {
	if len(v) == n {
		ready := true
		for _, c := range v {
			if c >= '0' && c <= '9' || c >= 'a' && c <= 'f' {
				continue
			}
			if c < 'A' || c > 'F' {
				return nil, buf, errHash
			}
			ready = false
		}
		if ready {
			return v, buf, nil
		}
		value, buf = lower(v, buf)
		return value, buf, nil
	}
	if len(v) < n || len(v) > 2*n {
		return nil, buf, errHash
	}
	start := len(buf)
	for _, c := range v {
		switch {
		case c >= '0' && c <= '9' || c >= 'a' && c <= 'f':
			buf = append(buf, c)
		case c >= 'A' && c <= 'F':
			buf = append(buf, c+'a'-'A')
		case (c == ':' || c == ' ') && len(buf) > start && (len(buf)-start)%2 == 0:
		default:
			return nil, buf[:start], errHash
		}
	}
	if len(buf)-start != n {
		return nil, buf[:start], errHash
	}
	return buf[start:], buf, nil
}

// ja4 checks the shape a_b_c of FoxIO's JA4: ten characters, twice twelve digits.
func ja4(v, buf []byte) (value, grown []byte, err error) {
	if len(v) != 36 || v[10] != '_' || v[23] != '_' {
		return nil, buf, errJA4
	}
	for i, c := range v {
		if i != 10 && i != 23 && !isAlnum(c) {
			return nil, buf, errJA4
		}
	}
	value, buf = lower(v, buf)
	return value, buf, nil
}

func serial(v, buf []byte) (value, grown []byte, err error) {
	v = bytes.TrimPrefix(bytes.TrimPrefix(v, []byte("0x")), []byte("0X"))
	start := len(buf)
	for _, c := range v {
		switch {
		case c == ':' || c == ' ' || c == '0' && len(buf) == start:
		case c >= '0' && c <= '9' || c >= 'a' && c <= 'f':
			buf = append(buf, c)
		case c >= 'A' && c <= 'F':
			buf = append(buf, c+'a'-'A')
		default:
			return nil, buf[:start], errSerial
		}
	}
	if len(buf) == start {
		return nil, buf, errSerial
	}
	return buf[start:], buf, nil
}

func distinguishedName(v, buf []byte) (value, grown []byte, err error) {
	start := len(buf)
	for _, c := range v {
		if c == ' ' && (len(buf) == start || buf[len(buf)-1] == ',') {
			continue
		}
		if c == ',' {
			for len(buf) > start && buf[len(buf)-1] == ' ' {
				buf = buf[:len(buf)-1]
			}
		}
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		buf = append(buf, c)
	}
	for len(buf) > start && buf[len(buf)-1] == ' ' {
		buf = buf[:len(buf)-1]
	}
	if len(buf) == start {
		return nil, buf, errEmpty
	}
	return buf[start:], buf, nil
}

func fileName(v, buf []byte) (value, grown []byte, err error) {
	v = bytes.TrimSpace(v)
	for i := len(v) - 1; i >= 0; i-- {
		if v[i] == '\\' || v[i] == '/' {
			v = bytes.TrimSpace(v[i+1:])
			break
		}
	}
	if len(v) == 0 || string(v) == "-" {
		return nil, buf, errFileName
	}
	value, buf = lower(v, buf)
	return value, buf, nil
}

// hives gives the full name of each abbreviated or kernel-style registry root.
var hives = []struct{ short, full string }{
	{"hklm", "hkey_local_machine"},
	{"hkcu", "hkey_current_user"},
	{"hkcr", "hkey_classes_root"},
	{"hku", "hkey_users"},
	{"hkcc", "hkey_current_config"},
	{`\registry\machine`, "hkey_local_machine"},
	{`\registry\user`, "hkey_users"},
}

func registryKey(v, buf []byte) (value, grown []byte, err error) {
	v = bytes.TrimSpace(v)
	for len(v) > 0 && v[len(v)-1] == '\\' {
		v = bytes.TrimSpace(v[:len(v)-1])
	}
	if len(v) == 0 || string(v) == "-" {
		return nil, buf, errEmpty
	}
	for _, h := range hives {
		if len(v) < len(h.short) || len(v) > len(h.short) && v[len(h.short)] != '\\' || !bytes.EqualFold(v[:len(h.short)], []byte(h.short)) {
			continue
		}
		start := len(buf)
		buf = append(buf, h.full...)
		rest := v[len(h.short):]
		tail, b := lower(rest, buf)
		if len(b) == len(buf) {
			b = append(b, tail...)
		}
		return b[start:], b, nil
	}
	value, buf = lower(v, buf)
	return value, buf, nil
}

func port(v, buf []byte) (value, grown []byte, err error) {
	for len(v) > 1 && v[0] == '0' {
		v = v[1:]
	}
	n := 0
	for _, c := range v {
		if c < '0' || c > '9' || n > 6553 {
			return nil, buf, errPort
		}
		n = n*10 + int(c-'0')
	}
	if n > 65535 {
		return nil, buf, errPort
	}
	return v, buf, nil
}

func isAlnum(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
