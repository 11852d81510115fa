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
	cost   int            // of re, in instructions
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
		c.re, c.cost, err = likeRegexp(t.Value)
	case Regexp:
		c.re, c.cost, err = compileRegexp(t.Value)
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
func likeRegexp(pattern string) (re *regexp.Regexp, cost int, err error) {
	if len(pattern) > maxRegexpCost {
		return nil, 0, fmt.Errorf("LIKE of %d bytes, and %d are the limit", len(pattern), maxRegexpCost)
	}
	var text strings.Builder
	text.WriteString(`(?s)\A`)
	for _, r := range pattern {
		switch r {
		case '%':
			text.WriteString(`.*`)
		case '_':
			text.WriteByte('.')
		default:
			text.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	text.WriteString(`\z`)
	re, err = regexp.Compile(text.String())
	return re, len(pattern) + strings.Count(pattern, "%"), err
}
