package indicator

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// patterns are the terms that no look-up finds: each is tried at every
// observable of its kind.
type patterns struct {
	byKind [1 << kindBits][]pattern
	n      int
	cost   int // of their expressions, in instructions
}

type pattern struct {
	match   Match
	value   string         // as the hit prints it
	literal []byte         // what the observable must contain, in lower case if match is Substring
	re      *regexp.Regexp // nil for Substring
	owner   uint32
}

func (p *patterns) add(c *compiledTerm, owner uint32) error {
	if p.n >= maxPatterns {
		return fmt.Errorf("more than %d patterns with LIKE, MATCHES or a part of a value", maxPatterns)
	}
	if p.cost+c.cost > maxPatternsCost {
		return fmt.Errorf("the patterns with LIKE and MATCHES are too costly together: more than %d steps for each byte", maxPatternsCost)
	}
	p.cost += c.cost
	entry := pattern{match: c.term.Match, value: strings.Clone(c.term.Value), re: c.re, owner: owner}
	switch c.term.Match {
	case Substring:
		entry.literal = []byte(entry.value)
	case Like:
		entry.literal = longest(strings.FieldsFunc(entry.value, func(r rune) bool { return r == '%' || r == '_' }))
	case Regexp:
		if whole, _ := c.re.LiteralPrefix(); whole != "" {
			entry.literal = []byte(whole)
		}
	}
	p.byKind[c.term.Kind] = append(p.byKind[c.term.Kind], entry)
	p.n++
	return nil
}

// leaveOut drops the patterns of owners that are dead.
func (p *patterns) leaveOut(dead func(owner uint32) bool) {
	p.n = 0
	for k := range p.byKind {
		p.byKind[k] = slices.DeleteFunc(p.byKind[k], func(e pattern) bool { return dead(e.owner) })
		p.n += len(p.byKind[k])
	}
}

func longest(parts []string) []byte {
	best := ""
	for _, s := range parts {
		if len(s) > len(best) {
			best = s
		}
	}
	return []byte(best)
}

// matches tells whether the pattern holds for a value; folded is the value in
// lower case.
func (p *pattern) matches(value, folded []byte) bool {
	if p.match == Substring {
		return bytes.Contains(folded, p.literal)
	}
	return bytes.Contains(value, p.literal) && p.re.Match(value)
}
