package feed

import (
	"fmt"
	"slices"
	"strings"

	"borj.dev/borj/watch/indicator"
	"borj.dev/borj/watch/observable"
)

// typeKinds gives the kinds that a type of MISP, of another feed, or of STIX
// stands for. Addresses stand for both versions.
var typeKinds = kindTable(`
ip-src ip-dst ip ips ipv4 ipv6 ipv4-addr ipv6-addr ip-address ipaddress address addr cidr subnet ip-range intel::addr intel::subnet = ipv4-addr ipv6-addr
domain hostname host fqdn domain-name onion-address intel::domain = domain-name
url link uri intel::url = url
email email-src email-dst email-reply-to email-addr email-address intel::email = email-addr
md5 md5-hash filehash-md5 malware-sample = file:hashes.MD5
sha1 sha-1 sha1-hash filehash-sha1 = file:hashes.'SHA-1'
sha256 sha-256 sha256-hash filehash-sha256 = file:hashes.'SHA-256'
sha512 sha-512 sha512-hash filehash-sha512 = file:hashes.'SHA-512'
hash file-hash filehash intel::file-hash = file:hashes.MD5 file:hashes.'SHA-1' file:hashes.'SHA-256' file:hashes.'SHA-512'
imphash filehash-imphash = file:hashes.IMPHASH
ja3 ja3-md5 ja3-hash ja3-fingerprint-md5 = ja3
ja3s ja3s-hash ja3s-fingerprint-md5 = ja3s
ja4 ja4-fingerprint = ja4
x509-fingerprint-sha1 sslcert-sha1 certsha1 intel::cert-hash = x509-certificate:hashes.'SHA-1'
x509-fingerprint-sha256 = x509-certificate:hashes.'SHA-256'
filename file-name email-attachment intel::file-name = file:name
regkey registry registry-key windows-registry-key = windows-registry-key
user-agent useragent = user-agent
`)

// kindTable reads lines of types and, behind the equals sign, their kinds.
func kindTable(table string) map[string][]observable.Kind {
	kinds := map[string][]observable.Kind{}
	for line := range strings.SplitSeq(strings.TrimSpace(table), "\n") {
		types, names, _ := strings.Cut(line, " = ")
		var of []observable.Kind
		for name := range strings.FieldsSeq(names) {
			if k, err := observable.ParseKind(name); err == nil {
				of = append(of, k)
				kinds[strings.ToLower(name)] = []observable.Kind{k}
			}
		}
		for t := range strings.FieldsSeq(types) {
			kinds[t] = of
		}
	}
	return kinds
}

// normalType writes a type in the way of the table.
func normalType(t string) string {
	return strings.ReplaceAll(strings.ReplaceAll(strings.ToLower(strings.TrimSpace(t)), "_", "-"), " ", "-")
}

// kindsOf returns the kinds that a type stands for, none where no field of a
// record carries such a value. Composite types stand for what identifies them.
func kindsOf(typ string) []observable.Kind {
	typ = normalType(typ)
	if kinds, ok := typeKinds[typ]; ok {
		return kinds
	}
	switch typ {
	case "domain|ip":
		return []observable.Kind{observable.Domain, observable.IPv4, observable.IPv6}
	case "ip-dst|port", "ip-src|port", "ip:port", "ip-port":
		return []observable.Kind{observable.IPv4, observable.IPv6}
	case "hostname|port", "domain:port", "host:port":
		return []observable.Kind{observable.Domain}
	case "regkey|value":
		return []observable.Kind{observable.RegistryKey}
	}
	if hash, ok := strings.CutPrefix(typ, "filename|"); ok {
		return typeKinds[hash]
	}
	return nil
}

// typed turns a value of a known type into alternatives, each of which is one
// or more terms that must hold together. No alternatives and no error mean that
// no field of a record carries values of this type.
//
//   - domain|ip: each half is an indicator, as in MISP's own exports.
//   - ip-dst|port, ip-src|port: the address on that side, with that port.
//   - hostname|port: the name; name look-ups do not know the port.
//   - filename|hash: the hash. A file name alone says too little.
//   - regkey|value: the key; no field carries the data by itself.
func typed(typ, value string) ([][]indicator.Term, error) {
	typ = normalType(typ)
	if typeKinds[typ] == nil && kindsOf(typ) == nil {
		return nil, nil
	}
	first, second, both := strings.Cut(value, "|")
	switch typ {
	case "domain|ip":
		if !both {
			return nil, fmt.Errorf("%.80q has no | between domain and address", value)
		}
		name, err := term(observable.Domain, first)
		if err != nil {
			return nil, err
		}
		address, err := term(observable.IPv4, second)
		if err != nil {
			return nil, err
		}
		return [][]indicator.Term{{name}, {address}}, nil
	case "ip-dst|port", "ip:port", "ip-port":
		return withPort(value, observable.Destination)
	case "ip-src|port":
		return withPort(value, observable.Source)
	case "hostname|port", "domain:port", "host:port":
		name := strings.TrimSpace(first)
		if i := strings.LastIndexByte(name, ':'); i > 0 {
			name = name[:i]
		}
		return one(term(observable.Domain, name))
	case "regkey|value":
		return one(term(observable.RegistryKey, first))
	case "malware-sample":
		if both {
			value = second
		}
	}
	kinds := typeKinds[typ]
	if hash, ok := strings.CutPrefix(typ, "filename|"); ok {
		if !both {
			return nil, fmt.Errorf("%.80q has no | between file name and hash", value)
		}
		kinds, value = typeKinds[hash], value[strings.LastIndexByte(value, '|')+1:]
	}
	return anyKind(kinds, value)
}

// anyKind reads a value as the one of the kinds that it fits.
func anyKind(kinds []observable.Kind, value string) ([][]indicator.Term, error) {
	if len(kinds) > 1 {
		if k, ok := observable.Recognise(value); ok && slices.Contains(kinds, k) {
			return one(term(k, value))
		}
	}
	if kinds[0] == observable.URL {
		return urlTerm(value)
	}
	return one(term(kinds[0], value))
}

// urlTerm reads what a feed calls a URL: a bare host name is that name, and a
// path alone is nothing that can be found.
func urlTerm(value string) ([][]indicator.Term, error) {
	value = strings.TrimSpace(value)
	if strings.HasPrefix(value, "/") {
		return nil, fmt.Errorf("%.80q is a path without a host", value)
	}
	if k, ok := observable.Recognise(value); ok && k != observable.URL {
		if k == observable.Domain || k == observable.IPv4 || k == observable.IPv6 {
			return one(term(k, value))
		}
	}
	return one(term(observable.URL, value))
}

func one(t indicator.Term, err error) ([][]indicator.Term, error) {
	if err != nil {
		return nil, err
	}
	return [][]indicator.Term{{t}}, nil
}

// withPort reads 192.0.2.1|443, 192.0.2.1:443 and [2001:db8::1]:443.
func withPort(value string, role observable.Role) ([][]indicator.Term, error) {
	value = strings.TrimSpace(observable.Refang(value))
	i := strings.LastIndexAny(value, "|:")
	if i < 0 {
		return nil, fmt.Errorf("%.80q has no port", value)
	}
	address, err := term(observable.IPv4, strings.Trim(value[:i], "[]"))
	if err != nil {
		return nil, err
	}
	kind := observable.DestinationPort
	if role == observable.Source {
		kind = observable.SourcePort
	}
	number, err := term(kind, value[i+1:])
	if err != nil {
		return nil, err
	}
	address.Role = role
	return [][]indicator.Term{{address, number}}, nil
}

// term reads one value of a kind, in canonical form. *.name stands for a name
// and all beneath it, 192.0.2.0/24 for the addresses in it, and a URL that ends
// in * for all that begin so.
func term(kind observable.Kind, value string) (indicator.Term, error) {
	value = strings.TrimSpace(value)
	t := indicator.Term{Kind: kind}
	switch kind {
	case observable.IPv4, observable.IPv6:
		if !strings.Contains(value, "/") {
			break
		}
		k, prefix, err := observable.CanonicalPrefix(value)
		if err != nil {
			return t, err
		}
		if prefix.IsSingleIP() {
			return indicator.Term{Kind: k, Value: prefix.Addr().String()}, nil
		}
		return indicator.Term{Kind: k, Match: indicator.CIDR, Value: prefix.String()}, nil
	case observable.Domain:
		if name, ok := strings.CutPrefix(value, "*."); ok {
			t.Match, value = indicator.Subdomains, name
		} else if name, ok := strings.CutPrefix(value, "."); ok {
			t.Match, value = indicator.Subdomains, name
		}
	case observable.URL:
		if beginning, ok := strings.CutSuffix(value, "*"); ok {
			t.Match, value = indicator.URLPrefix, beginning
		}
	}
	var err error
	if t.Value, err = observable.Canonical(kind, value); err != nil {
		return t, err
	}
	if kind == observable.IPv4 || kind == observable.IPv6 {
		t.Kind = observable.AddressKind(t.Value)
	}
	return t, nil
}

// withSubdomains lets the names among the terms match what is beneath them.
func withSubdomains(alternatives [][]indicator.Term) {
	for _, terms := range alternatives {
		for i := range terms {
			if terms[i].Kind == observable.Domain && terms[i].Match == indicator.Exact {
				terms[i].Match = indicator.Subdomains
			}
		}
	}
}
