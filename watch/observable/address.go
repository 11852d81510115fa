package observable

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
)

// AddressKind tells whether a canonical address is IPv4 or IPv6.
func AddressKind(canonical string) Kind {
	if strings.IndexByte(canonical, ':') >= 0 {
		return IPv6
	}
	return IPv4
}

// CanonicalPrefix returns the canonical form of a CIDR prefix, and whether it
// is one of IPv4 or of IPv6 addresses. Bits beyond the prefix are cleared. An
// address without a length is a prefix of all its bits.
func CanonicalPrefix(text string) (Kind, netip.Prefix, error) {
	text = strings.TrimSpace(Refang(text))
	host, bits, found := strings.Cut(text, "/")
	addr, err := Canonical(IPv6, host)
	if err != nil {
		return None, netip.Prefix{}, err
	}
	a, err := netip.ParseAddr(addr)
	if err != nil {
		return None, netip.Prefix{}, fmt.Errorf("%.80q as an address prefix: %w", text, err)
	}
	n := a.BitLen()
	if found {
		v, _, err := port([]byte(bits), nil)
		if err != nil || len(bits) == 0 || len(v) > 3 {
			return None, netip.Prefix{}, fmt.Errorf("%.80q as an address prefix: the length is no number", text)
		}
		n = 0
		for _, c := range v {
			n = n*10 + int(c-'0')
		}
		if a.Is4() && strings.IndexByte(host, ':') >= 0 {
			n -= 96 // IPv4-mapped
		}
	}
	p, err := a.Prefix(n)
	if err != nil {
		return None, netip.Prefix{}, fmt.Errorf("%.80q as an address prefix: %w", text, err)
	}
	return AddressKind(addr), p, nil
}

// Addr returns the address that a canonical value of kind IPv4 or IPv6 writes.
// It allocates nothing.
func Addr(canonical []byte) (netip.Addr, bool) {
	if n, ok := parseIPv4(canonical); ok {
		return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}), true
	}
	b, ok := parseIPv6(canonical)
	return netip.AddrFrom16(b), ok
}

// address returns the kind and the canonical form of an IP address.
func address(v, buf []byte) (kind Kind, value, grown []byte, err error) {
	if isIPv4(v) {
		return IPv4, v, buf, nil
	}
	if len(v) > 2 && v[0] == '[' && v[len(v)-1] == ']' {
		v = v[1 : len(v)-1]
	}
	if i := bytes.IndexByte(v, '%'); i > 0 { // the zone, which stands inside of brackets (RFC 6874 §2)
		v = v[:i]
	}
	b, ok := parseIPv6(v)
	if !ok {
		return None, nil, buf, errAddress
	}
	a := netip.AddrFrom16(b).Unmap()
	kind = IPv6
	if a.Is4() {
		kind = IPv4
	}
	n := len(buf)
	buf = a.AppendTo(buf)
	return kind, buf[n:], buf, nil
}

// isIPv4 tells whether v is four decimal numbers without leading zeros, which
// some programs would read as octal.
func isIPv4(v []byte) bool {
	_, ok := parseIPv4(v)
	return ok
}

func parseIPv4(v []byte) (addr uint32, ok bool) {
	if len(v) < 7 || len(v) > 15 {
		return 0, false
	}
	n, length, dots := uint32(0), 0, 0
	for _, c := range v {
		d := uint32(c) - '0'
		if d <= 9 {
			if length > 0 && n == 0 {
				return 0, false
			}
			n = n*10 + d
			length++
			if n > 255 {
				return 0, false
			}
			continue
		}
		if c != '.' || length == 0 || dots == 3 {
			return 0, false
		}
		dots++
		addr = addr<<8 | n
		n, length = 0, 0
	}
	return addr<<8 | n, dots == 3 && length > 0
}

// parseIPv6 reads RFC 4291 §2.2 text, without a zone.
func parseIPv6(v []byte) (addr [16]byte, ok bool) {
	if len(v) < 2 || len(v) > 45 {
		return addr, false
	}
	at, gap := 0, -1 // bytes written, and where "::" stands among them
	i := 0
	if v[0] == ':' {
		if v[1] != ':' {
			return addr, false
		}
		gap, i = 0, 2
	}
	for i < len(v) {
		if at == 16 {
			return addr, false
		}
		n, start := 0, i
		for i < len(v) && i-start < 4 && hexDigit(v[i]) >= 0 {
			n = n<<4 | hexDigit(v[i])
			i++
		}
		if i == start {
			return addr, false
		}
		if i < len(v) && v[i] == '.' {
			a, ok := parseIPv4(v[start:])
			if !ok || at > 12 {
				return addr, false
			}
			addr[at], addr[at+1], addr[at+2], addr[at+3] = byte(a>>24), byte(a>>16), byte(a>>8), byte(a)
			at += 4
			break
		}
		addr[at], addr[at+1] = byte(n>>8), byte(n)
		at += 2
		if i == len(v) {
			break
		}
		if v[i] != ':' {
			return addr, false
		}
		i++
		if i == len(v) {
			return addr, false
		}
		if v[i] == ':' {
			if gap >= 0 {
				return addr, false
			}
			gap = at
			i++
		}
	}
	if gap < 0 {
		return addr, at == 16
	}
	if at == 16 {
		return addr, false
	}
	copy(addr[16-(at-gap):], addr[gap:at])
	clear(addr[gap : 16-(at-gap)])
	return addr, true
}

func hexDigit(c byte) int {
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
