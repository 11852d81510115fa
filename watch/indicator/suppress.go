package indicator

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"borj.dev/borj/watch/observable"
)

// Suppressor is a collection of warninglists. A Builder that has one leaves out
// the indicators that a list names:
//
//   - string: the value is equal, in canonical form;
//   - hostname: the name, or the host of the URL, is listed or beneath a listed
//     name;
//   - cidr: the address or prefix lies within a listed prefix;
//   - substring: the value contains the text, whatever the case;
//   - regex: the value matches.
//
// An indicator of several terms is left out only where lists name all of them,
// and one with LIKE, MATCHES or Substring never. It is not safe for concurrent
// use.
type Suppressor struct {
	b   *Builder
	set *Set // once the lists are compiled
	w   *Worker
}

// NewSuppressor returns an empty Suppressor.
func NewSuppressor() *Suppressor {
	return &Suppressor{b: NewBuilder(nil), w: NewWorker(time.Now)}
}

// plainKinds are what a list of strings about every kind is compared with.
var plainKinds = []observable.Kind{
	observable.IPv4, observable.IPv6, observable.Domain, observable.URL, observable.Email,
	observable.MD5, observable.SHA1, observable.SHA256, observable.SHA512,
}

// Add takes one list. The error names the values that cannot be used, up to
// ten of them; the others are. No list can be added once a Builder has begun to
// use the Suppressor.
func (s *Suppressor) Add(list Warninglist) error {
	if s.b == nil {
		return fmt.Errorf("warninglist %q comes after the first indicator", list.Name)
	}
	switch list.Type {
	case "string", "hostname", "cidr", "substring", "regex":
	default:
		return fmt.Errorf("warninglist %q: type %q is not string, substring, hostname, cidr or regex", list.Name, list.Type)
	}
	own := owner{origin: s.b.origin(&Indicator{Source: list.Name})}
	var errs []error
	for _, v := range list.Values {
		if err := s.addValue(&list, v, own); err != nil && len(errs) < 10 {
			errs = append(errs, fmt.Errorf("warninglist %q: %w", list.Name, err))
		}
	}
	return errors.Join(errs...)
}

func (s *Suppressor) addValue(list *Warninglist, v string, own owner) error {
	about := func(k observable.Kind) bool { return list.Kinds == 0 || list.Kinds.Has(k) }
	switch list.Type {
	case "cidr":
		c, err := compileTerm(&Term{Kind: observable.IPv6, Match: CIDR, Value: v})
		if err != nil {
			return err
		}
		return s.b.addTerm(&c, own)
	case "hostname":
		c, err := compileTerm(&Term{Kind: observable.Domain, Match: Subdomains, Value: strings.TrimPrefix(v, ".")})
		if err != nil {
			return err
		}
		for _, k := range []observable.Kind{observable.Domain, observable.URL} {
			if c.term.Kind = k; about(k) {
				if err := s.b.addTerm(&c, own); err != nil {
					return err
				}
			}
		}
		return nil
	}
	kinds, match := plainKinds, Exact
	switch list.Type {
	case "substring":
		match = Substring
	case "regex":
		match = Regexp
		v = perlRegexp(v)
	}
	if list.Kinds != 0 {
		kinds = nil
		for k := observable.IPv4; observable.AllKinds.Has(k); k++ {
			if list.Kinds.Has(k) {
				kinds = append(kinds, k)
			}
		}
	}
	if match != Exact { // the same for every kind
		c, err := compileTerm(&Term{Kind: kinds[0], Match: match, Value: v})
		if err != nil {
			return err
		}
		for _, c.term.Kind = range kinds {
			if err := s.b.addTerm(&c, own); err != nil {
				return err
			}
		}
		return nil
	}
	for _, k := range kinds {
		c, err := compileTerm(&Term{Kind: k, Match: match, Value: v})
		if err != nil {
			continue // no value of this kind looks like it
		}
		if err := s.b.addTerm(&c, own); err != nil {
			return err
		}
	}
	return nil
}

// perlRegexp takes the slashes and flags off /…/i, as MISP writes expressions.
func perlRegexp(v string) string {
	end := strings.LastIndexByte(v, '/')
	if len(v) < 2 || v[0] != '/' || end == 0 {
		return v
	}
	flags := strings.Map(func(r rune) rune {
		if strings.ContainsRune("ims", r) {
			return r
		}
		return -1
	}, v[end+1:])
	if flags == "" {
		return v[1:end]
	}
	return "(?" + flags + ")" + v[1:end]
}

// names returns the list that names the indicator of the given terms.
func (s *Suppressor) names(terms []compiledTerm) (list string, ok bool) {
	if s == nil {
		return "", false
	}
	if s.set == nil {
		s.set, s.b = s.b.Build(), nil
	}
	for i := range terms {
		name, ok := s.namesTerm(&terms[i])
		if !ok {
			return "", false
		}
		if i == 0 {
			list = name
		}
	}
	return list, true
}

func (s *Suppressor) namesTerm(c *compiledTerm) (list string, ok bool) {
	if c.term.Match >= Substring || !s.set.kinds.Has(c.term.Kind) {
		return "", false
	}
	w, o := s.w, observable.Observable{Kind: c.term.Kind, Value: []byte(c.term.Value)}
	w.reset(s.set)
	if c.term.Match == CIDR {
		s.set.askPrefixes(w, c.prefix.Addr(), c.prefix.Bits(), &o)
	} else {
		s.set.ask(w, &o)
	}
	s.set.answer(w)
	s.set.report(w, func(h *Hit) {
		if !ok {
			list, ok = h.Origins[0].Source, true
		}
	})
	return list, ok
}
