package indicator

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"

	"borj.dev/borj/watch/observable"
)

// oracle matches as the documentation of Term says, one indicator at a time.
type oracle []Indicator

// expected is what the oracle says of a record: by indicator (its index) the
// fields that matched.
func (l oracle) expected(obs []observable.Observable, at time.Time) map[int][]int32 {
	out := map[int][]int32{}
	for i := range l {
		in := &l[i]
		if !in.ValidFrom.IsZero() && at.Before(in.ValidFrom) || !in.ValidUntil.IsZero() && !at.Before(in.ValidUntil) {
			continue
		}
		var fields []int32
		all := true
		for _, t := range append([]Term{in.Term}, in.And...) {
			holds := false
			for _, o := range obs {
				if termHolds(t, o) {
					holds = true
					fields = append(fields, o.Field)
				}
			}
			all = all && holds
		}
		if all {
			slices.Sort(fields)
			out[i] = slices.Compact(fields)
		}
	}
	return out
}

func termHolds(t Term, o observable.Observable) bool {
	v := string(o.Value)
	isAddress := func(k observable.Kind) bool { return k == observable.IPv4 || k == observable.IPv6 }
	if t.Kind != o.Kind && !(isAddress(t.Kind) && isAddress(o.Kind)) {
		return false
	}
	if t.Role != observable.AnyRole && t.Role != o.Role {
		return false
	}
	canonical := func() string {
		c, err := observable.Canonical(t.Kind, t.Value)
		if err != nil {
			return "\x00"
		}
		return c
	}
	switch t.Match {
	case Exact:
		return v == canonical()
	case CIDR:
		p := netip.MustParsePrefix(t.Value)
		return p.Contains(netip.MustParseAddr(v))
	case Subdomains:
		return v == canonical() || strings.HasSuffix(v, "."+canonical())
	case URLPrefix:
		return strings.HasPrefix(v, canonical())
	case Substring:
		return strings.Contains(strings.ToLower(v), strings.ToLower(t.Value))
	case Like:
		return like(t.Value, v)
	case Regexp:
		return regexp.MustCompile(t.Value).MatchString(v)
	}
	return false
}

// like is STIX LIKE by its definition.
func like(pattern, text string) bool {
	if pattern == "" {
		return text == ""
	}
	if pattern[0] == '%' {
		return like(pattern[1:], text) || text != "" && like(pattern, text[1:])
	}
	return text != "" && (pattern[0] == '_' || pattern[0] == text[0]) && like(pattern[1:], text[1:])
}
