package indicator

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"

	"borj.dev/borj/watch/observable"
)

// compiledTerm is a term in canonical form.
type compiledTerm struct {
	term   Term
	prefix netip.Prefix   // of CIDR
	re     *regexp.Regexp // of Like and Regexp
}

var errMatch = errors.New("this kind cannot be compared in this way")

// compileTerm checks a term and makes it canonical.
func compileTerm(t *Term) (compiledTerm, error) {
	c := compiledTerm{term: *t}
	address := t.Kind == observable.IPv4 || t.Kind == observable.IPv6
	if t.Role != observable.AnyRole && !address {
		return c, fmt.Errorf("%s has no side of a connection", t.Kind)
	}
	if len(t.Value) > observable.MaxLength {
		return c, fmt.Errorf("%s of %d bytes, and %d are the limit", t.Kind, len(t.Value), observable.MaxLength)
	}
	var err error
	switch t.Match {
	case Exact, CIDR:
		if address && (t.Match == CIDR || strings.IndexByte(t.Value, '/') >= 0) {
			c.term.Match = CIDR
			c.term.Kind, c.prefix, err = observable.CanonicalPrefix(t.Value)
			if err == nil && c.prefix.IsSingleIP() {
				c.term.Match, c.term.Value = Exact, c.prefix.Addr().String()
			}
			return c, err
		}
		if t.Match == CIDR {
			return c, errMatch
		}
		c.term.Value, err = observable.Canonical(t.Kind, t.Value)
		if err == nil && address {
			c.term.Kind = observable.AddressKind(c.term.Value)
		}
	case Subdomains:
		if t.Kind != observable.Domain {
			return c, errMatch
		}
		c.term.Value, err = observable.Canonical(t.Kind, strings.TrimPrefix(t.Value, "*."))
	case URLPrefix:
		if t.Kind != observable.URL {
			return c, errMatch
		}
		c.term.Value, err = observable.Canonical(t.Kind, t.Value)
	case Substring:
		if t.Value == "" {
			return c, errors.New("an empty text is in everything")
		}
		c.term.Value = strings.ToLower(t.Value)
	case Like:
		c.re, err = likeRegexp(t.Value)
	case Regexp:
		c.re, err = regexp.Compile(t.Value)
	default:
		err = errMatch
	}
	return c, err
}

func (c *compiledTerm) appendKey(dst []byte) []byte {
	if c.term.Match == CIDR {
		return appendPrefix(append(dst, byte(tagOf(c.term.Kind, CIDR))), c.prefix)
	}
	return appendKey(dst, tagOf(c.term.Kind, c.term.Match), []byte(c.term.Value))
}

// likeRegexp translates STIX LIKE.
func likeRegexp(pattern string) (*regexp.Regexp, error) {
	var re strings.Builder
	re.WriteString(`(?s)\A`)
	for _, r := range pattern {
		switch r {
		case '%':
			re.WriteString(`.*`)
		case '_':
			re.WriteByte('.')
		default:
			re.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	re.WriteString(`\z`)
	return regexp.Compile(re.String())
}
