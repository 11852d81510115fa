package feed

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"borj.dev/borj/format/stix/pattern"
	"borj.dev/borj/watch/indicator"
	"borj.dev/borj/watch/observable"
)

// maxTests bounds the alternatives of one pattern.
const maxTests = 50_000

// streamable turns a pattern into the alternatives that one record can fulfil.
// An alternative that no record can show is left out, which loses hits and
// makes no wrong ones; err says why the first was. Where nothing at all can be
// looked up there are no alternatives.
func streamable(o pattern.Observation) (alternatives [][]indicator.Term, left, total int, err error) {
	all, err := pattern.Alternatives(o, maxTests)
	if err != nil {
		return nil, 0, 0, err
	}
	for _, tests := range all {
		terms, e := conjunction(tests)
		if e != nil {
			left++
			if err == nil {
				err = e
			}
			continue
		}
		alternatives = append(alternatives, terms)
	}
	return alternatives, left, len(all), err
}

// conjunction turns tests that must hold together into terms.
func conjunction(tests []pattern.Test) ([]indicator.Term, error) {
	var terms []indicator.Term
	seen := map[indicator.Term]bool{}
	for i := range tests {
		if saysType(&tests[i], tests) {
			continue
		}
		t, err := termOf(&tests[i])
		if err != nil {
			return nil, err
		}
		if !seen[t] {
			seen[t] = true
			terms = append(terms, t)
		}
	}
	if len(terms) == 0 {
		return nil, errors.New("it names no value to look for")
	}
	return terms, nil
}

// saysType tells whether t is a test such as network-traffic:dst_ref.type =
// 'ipv4-addr' beside one of dst_ref.value, which says the same again.
func saysType(t *pattern.Test, beside []pattern.Test) bool {
	path, ok := strings.CutSuffix(t.Path.String(), "_ref.type")
	if !ok || t.Op != pattern.Equal || t.Values[0].Kind != pattern.String {
		return false
	}
	for i := range beside {
		if beside[i].Path.String() != path+"_ref.value" {
			continue
		}
		if v, err := termOf(&beside[i]); err == nil && v.Kind.String() == t.Values[0].Text {
			return true
		}
	}
	return false
}

// properties are those that records show, by their path in canonical form.
// Hashes are found by hashKind.
var properties = map[string]observable.Kind{
	"ipv4-addr:value":                observable.IPv4,
	"ipv6-addr:value":                observable.IPv6,
	"domain-name:value":              observable.Domain,
	"url:value":                      observable.URL,
	"email-addr:value":               observable.Email,
	"email-message:from_ref.value":   observable.Email,
	"email-message:sender_ref.value": observable.Email,
	"file:name":                      observable.FileName,
	"windows-registry-key:key":       observable.RegistryKey,
	"process:command_line":           observable.CommandLine,
	"x509-certificate:subject":       observable.CertSubject,
	"x509-certificate:issuer":        observable.CertIssuer,
	"x509-certificate:serial_number": observable.CertSerial,
	"network-traffic:src_port":       observable.SourcePort,
	"network-traffic:dst_port":       observable.DestinationPort,
	"network-traffic:src_ref.value":  observable.IPv4,
	"network-traffic:dst_ref.value":  observable.IPv4,
	"network-traffic:extensions.'http-request-ext'.request_header.'User-Agent'": observable.UserAgent,
}

// hashKind finds the kind of a hash, however its algorithm is spelled.
func hashKind(p pattern.Path) (observable.Kind, bool) {
	if len(p.Steps) != 2 || p.Steps[0].Key != "hashes" || p.Steps[1].Kind != pattern.Key {
		return observable.None, false
	}
	kinds := map[string]observable.Kind{
		"MD5": observable.MD5, "SHA1": observable.SHA1, "SHA256": observable.SHA256, "SHA512": observable.SHA512, "IMPHASH": observable.Imphash,
	}
	if p.Type == "x509-certificate" {
		kinds = map[string]observable.Kind{"SHA1": observable.CertSHA1, "SHA256": observable.CertSHA256}
	} else if p.Type != "file" {
		return observable.None, false
	}
	k, ok := kinds[strings.ReplaceAll(pattern.HashName(p.Steps[1].Key), "_", "")]
	return k, ok
}

// termOf turns one test into a term.
func termOf(t *pattern.Test) (indicator.Term, error) {
	path := t.Path.String()
	kind, ok := properties[path]
	if !ok {
		if kind, ok = hashKind(t.Path); !ok {
			return indicator.Term{}, fmt.Errorf("no field of a record is looked at for %s", path)
		}
	}
	var role observable.Role
	switch path {
	case "network-traffic:src_ref.value":
		role = observable.Source
	case "network-traffic:dst_ref.value":
		role = observable.Destination
	}
	v := t.Values[0]
	text := v.Text
	port := kind == observable.SourcePort || kind == observable.DestinationPort
	switch {
	case port && v.Kind == pattern.Integer && t.Op == pattern.Equal:
		text = strconv.FormatInt(v.Int, 10)
	case v.Kind != pattern.String || port:
		return indicator.Term{}, fmt.Errorf("%s cannot be compared with %s", path, v)
	}
	var out indicator.Term
	var err error
	switch t.Op {
	case pattern.Equal:
		out, err = equality(kind, role, text)
	case pattern.IsSubset:
		out, err = subset(kind, path, text)
	default:
		out, err = textual(t.Op, kind, role, text)
	}
	out.Role = role
	if err == nil && role != observable.AnyRole && out.Kind != observable.IPv4 && out.Kind != observable.IPv6 {
		err = fmt.Errorf("%s is followed for addresses alone, and %.80q is none", path, text)
	}
	if err != nil {
		return indicator.Term{}, fmt.Errorf("%s: %w", path, err)
	}
	return out, nil
}

// equality is =. The wildcards of lists mean nothing here, and a record's
// address never equals a range.
func equality(kind observable.Kind, role observable.Role, text string) (indicator.Term, error) {
	switch kind {
	case observable.IPv4, observable.IPv6:
		out, err := term(kind, text)
		if err == nil && out.Match == indicator.CIDR {
			err = fmt.Errorf("no address equals the range %s; ISSUBSET says what is meant", text)
		}
		if err == nil && role == observable.AnyRole && out.Kind != kind {
			err = fmt.Errorf("%.80q is no %s", text, kind)
		}
		return out, err
	case observable.FileName:
		if strings.ContainsAny(text, `/\`) {
			return indicator.Term{}, fmt.Errorf("%.80q is a path, and file:name is the name alone", text)
		}
	}
	v, err := observable.Canonical(kind, text)
	return indicator.Term{Kind: kind, Value: v}, err
}

func subset(kind observable.Kind, path, text string) (indicator.Term, error) {
	if kind != observable.IPv4 && kind != observable.IPv6 {
		return indicator.Term{}, errors.New("ISSUBSET is for addresses")
	}
	out, err := term(kind, text)
	if err == nil && !strings.HasPrefix(path, "network-traffic:") && out.Kind != kind {
		err = fmt.Errorf("%.80q is no range of %s", text, kind)
	}
	return out, err
}

// textual is LIKE and MATCHES. They are compared with canonical forms, nearly
// all of which are in lower case.
func textual(op pattern.Operator, kind observable.Kind, role observable.Role, text string) (indicator.Term, error) {
	if role != observable.AnyRole {
		return indicator.Term{}, fmt.Errorf("%s of an address on one side of a connection is not looked up", op)
	}
	if text == "" || strings.Trim(text, "%") == "" {
		return indicator.Term{}, fmt.Errorf("%s '%s' holds for every value", op, text)
	}
	if len(text) > observable.MaxLength {
		return indicator.Term{}, fmt.Errorf("%s of %d bytes, and %d are the limit", op, len(text), observable.MaxLength)
	}
	folded := true
	switch kind {
	case observable.UserAgent, observable.CommandLine, observable.URL:
		folded = false
	}
	if op == pattern.Like {
		if folded {
			text = strings.ToLower(text)
		} else if kind == observable.URL {
			text = foldURL(text)
		}
		return indicator.Term{Kind: kind, Match: indicator.Like, Value: text}, nil
	}
	if folded {
		text = "(?i)" + text
	}
	if err := indicator.CheckRegexp(text); err != nil {
		return indicator.Term{}, err
	}
	return indicator.Term{Kind: kind, Match: indicator.Regexp, Value: text}, nil
}

// foldURL writes the scheme and the host at the beginning of a LIKE in lower
// case, as they stand in canonical URLs. What follows a wildcard may be anything.
func foldURL(text string) string {
	end := strings.IndexAny(text, "%_")
	if end < 0 {
		end = len(text)
	}
	if i := strings.Index(text[:end], "://"); i >= 0 {
		host := i + len("://")
		if n := strings.IndexAny(text[host:end], "/?#"); n >= 0 {
			end = host + n
		}
		if n := strings.LastIndexByte(text[host:end], '@'); n >= 0 { // a name and password are as they are
			return strings.ToLower(text[:host]) + text[host:host+n] + strings.ToLower(text[host+n:end]) + text[end:]
		}
	}
	return strings.ToLower(text[:end]) + text[end:]
}
