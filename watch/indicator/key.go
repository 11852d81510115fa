package indicator

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"

	"borj.dev/borj/watch/observable"
)

// A key is what a set stores of an indicator: a tag (kind and match) and the
// value in its shortest form, addresses and hashes as bytes. Keys decide
// equality; two indicators with one key are one entry.

// tag says which kind of observable a key is of, and how it is compared.
type tag uint8

const kindBits = 5 // of a tag; a test holds that the kinds fit

func tagOf(k observable.Kind, m Match) tag { return tag(k) | tag(m)<<kindBits }

func (t tag) kind() observable.Kind { return observable.Kind(t & (1<<kindBits - 1)) }
func (t tag) match() Match          { return Match(t >> kindBits) }

// schemes that stand in URL keys as one byte; 0 is any other.
var schemes = [...]string{1: "http://", 2: "https://", 3: "ftp://"}

// appendKey appends the key of a canonical value.
func appendKey(dst []byte, t tag, value []byte) []byte {
	dst = append(dst, byte(t))
	if t.match() == CIDR {
		return append(dst, value...) // of appendPrefix
	}
	switch t.kind() {
	case observable.IPv4, observable.IPv6:
		return appendAddr(dst, value)
	case observable.MD5, observable.Imphash, observable.JA3, observable.JA3S, observable.SHA1, observable.CertSHA1,
		observable.SHA256, observable.CertSHA256, observable.SHA512:
		n := len(dst)
		dst, err := hex.AppendDecode(dst, value)
		if err != nil {
			return append(dst[:n], value...)
		}
		return dst
	case observable.URL:
		if t.match() == Subdomains {
			return append(dst, value...)
		}
		for i, s := range schemes {
			if i > 0 && len(value) >= len(s) && string(value[:len(s)]) == s {
				return append(append(dst, byte(i)), value[len(s):]...)
			}
		}
		return append(append(dst, 0), value...)
	}
	return append(dst, value...)
}

func appendAddr(dst, value []byte) []byte {
	a, ok := observable.Addr(value)
	if !ok {
		return append(dst, value...) // no address: equal to none
	}
	if a.Is4() {
		b := a.As4()
		return append(dst, b[:]...)
	}
	b := a.As16()
	return append(dst, b[:]...)
}

// appendPrefix appends what follows the tag in the key of a CIDR prefix.
func appendPrefix(dst []byte, p netip.Prefix) []byte {
	dst = append(dst, byte(p.Bits()))
	if a := p.Addr(); a.Is4() {
		b := a.As4()
		return append(dst, b[:]...)
	}
	b := p.Addr().As16()
	return append(dst, b[:]...)
}

// prefixOfKey returns the prefix of a key.
func prefixOfKey(key []byte) netip.Prefix {
	a, _ := netip.AddrFromSlice(key[2:])
	return netip.PrefixFrom(a, int(key[1]))
}

// appendHashed appends the bytes that a key is hashed by, and that a look-up
// has at hand: the text of the value, or for a prefix its length and bytes.
func appendHashed(dst, key []byte) []byte {
	t, rest := tag(key[0]), key[1:]
	if t.match() == CIDR {
		return append(dst, rest...)
	}
	switch t.kind() {
	case observable.IPv4, observable.IPv6:
		if a, ok := netip.AddrFromSlice(rest); ok {
			return a.AppendTo(dst)
		}
	case observable.MD5, observable.Imphash, observable.JA3, observable.JA3S, observable.SHA1, observable.CertSHA1,
		observable.SHA256, observable.CertSHA256, observable.SHA512:
		return hex.AppendEncode(dst, rest)
	case observable.URL:
		if t.match() != Subdomains {
			return append(append(dst, schemes[rest[0]]...), rest[1:]...)
		}
	}
	return append(dst, rest...)
}

// display returns the value of a key as a hit prints it.
func display(key []byte) string {
	t := tag(key[0])
	switch t.match() {
	case CIDR:
		return prefixOfKey(key).String()
	case Subdomains:
		return "*." + string(appendHashed(nil, key))
	case URLPrefix:
		return string(appendHashed(nil, key)) + "*"
	}
	return string(appendHashed(nil, key))
}

// appendUvarint and uvarint write and read the small numbers of a table.
func appendUvarint(dst []byte, n uint32) []byte { return binary.AppendUvarint(dst, uint64(n)) }

func uvarint(b []byte) (n uint32, rest []byte) {
	if b[0] < 0x80 {
		return uint32(b[0]), b[1:]
	}
	v, size := binary.Uvarint(b)
	return uint32(v), b[size:]
}
