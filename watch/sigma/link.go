package sigma

import (
	"fmt"
	"slices"
	"strings"
)

func (c *Correlation) calledBy(ref string) bool {
	return ref != "" && (strings.EqualFold(ref, c.ID) || ref == c.Name)
}

// linkCorrelations takes out the correlations whose references lead nowhere,
// to several rules, or in a circle, and gives a level to those that have none:
// the highest of what they correlate.
func (l *loader) linkCorrelations() {
	links := newLinks(l.set)
	state := map[*Correlation]error{}
	busy := map[*Correlation]bool{}
	var check func(c *Correlation, depth int) error
	check = func(c *Correlation, depth int) error {
		if err, ok := state[c]; ok {
			return err
		}
		if busy[c] {
			return fmt.Errorf("the correlation refers to itself, through its rules")
		}
		if depth > maxCorrelationDepth {
			return fmt.Errorf("correlations are chained more than %d deep", maxCorrelationDepth)
		}
		busy[c] = true
		err := l.checkLinks(c, links, func(other *Correlation) error { return check(other, depth+1) })
		busy[c] = false
		state[c] = err
		return err
	}
	var kept []*Correlation
	for _, c := range l.set.Correlations {
		if err := check(c, 0); err != nil {
			l.fail(c.File, c.Line, firstOf(c.ID, c.Title), err)
		} else {
			kept = append(kept, c)
		}
	}
	l.set.Correlations = kept
}

func (l *loader) checkLinks(c *Correlation, links *links, check func(*Correlation) error) error {
	for _, ref := range c.Rules {
		rules, correlations := links.find(ref)
		switch {
		case len(rules)+len(correlations) > 1:
			return fmt.Errorf("the reference %s means %d rules; refer by id", ref, len(rules)+len(correlations))
		case len(rules) == 1:
			if !c.HasLevel {
				c.Level = max(c.Level, rules[0].Level)
			}
		case len(correlations) == 1:
			if err := check(correlations[0]); err != nil {
				return fmt.Errorf("its rule %s cannot be used: %w", ref, err)
			}
			if !c.HasLevel {
				c.Level = max(c.Level, correlations[0].Level)
			}
		default:
			return fmt.Errorf("the correlation refers to %s, %s", ref, l.whereabouts(ref))
		}
	}
	return nil
}

// whereabouts says what became of a rule that is not in the set.
func (l *loader) whereabouts(ref string) string {
	for _, list := range [][]Failure{l.set.Failed, l.set.Skipped} {
		i := slices.IndexFunc(list, func(f Failure) bool { return strings.EqualFold(f.Rule, ref) })
		if i >= 0 {
			return fmt.Sprintf("which was left out: %s", list[i].Reason)
		}
	}
	return "and no loaded rule has that id or name"
}

// links finds rules and correlations by id or name.
type links struct {
	rules        map[string][]*Rule
	correlations map[string][]*Correlation
}

func newLinks(s *Set) *links {
	x := &links{map[string][]*Rule{}, map[string][]*Correlation{}}
	for _, r := range s.Rules {
		for _, key := range keysOfRule(r.ID, r.Name) {
			x.rules[key] = append(x.rules[key], r)
		}
	}
	for _, c := range s.Correlations {
		for _, key := range keysOfRule(c.ID, c.Name) {
			x.correlations[key] = append(x.correlations[key], c)
		}
	}
	return x
}

// keysOfRule returns a rule's names: ids are told by any case.
func keysOfRule(id, name string) []string {
	var keys []string
	if id != "" {
		keys = append(keys, strings.ToLower(id))
	}
	if name != "" && !slices.Contains(keys, name) {
		keys = append(keys, name)
	}
	return keys
}

func (x *links) find(ref string) ([]*Rule, []*Correlation) {
	key := ref
	if len(x.rules[key])+len(x.correlations[key]) == 0 {
		key = strings.ToLower(ref)
	}
	return x.rules[key], x.correlations[key]
}
