package match

import (
	"strings"

	"borj.dev/borj/watch/sigma"
)

// impossible is the chance of a cover that does not exist.
const impossible = 1e9

// chance guesses how often a literal predicate holds for a record that has its
// field. It only has to put predicates in order: a wrong guess costs time,
// never a hit.
func chance(m *sigma.Match) float64 {
	text := m.Text
	if common[text] {
		return 0.3
	}
	switch n := len(text); {
	case m.Op == sigma.OpEquals && n > 2:
		return 0.01
	case n < gramSize && m.Op == sigma.OpContains:
		return tinyChance(text)
	case n <= 2:
		return 0.2
	case n <= 4:
		return 0.1
	case m.Op == sigma.OpContains && n < longText:
		return 0.08 // and it makes every place of the value be looked at
	case strings.HasPrefix(text, `c:\`) && m.Op == sigma.OpStartsWith:
		return 0.1
	case n <= 8:
		return 0.02
	}
	return 0.01
}

// tinyChance guesses for texts of up to three bytes, which make every place of
// a value be looked at too.
func tinyChance(text string) float64 {
	p := 0.5
	for _, c := range []byte(text) {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || strings.IndexByte(` .\\/:"-_`, c) >= 0 {
			p *= 0.7
		} else {
			p *= 0.2
		}
	}
	return p
}

// common lists texts that stand in most Windows events that have the field.
var common = func() map[string]bool {
	set := map[string]bool{}
	for _, s := range []string{
		`.exe`, `.dll`, `.sys`, `.ps1`, `c:\`, `:\windows\`, `c:\windows\`, `\windows\`, `:\windows\system32\`,
		`c:\windows\system32\`, `\system32\`, `c:\program files\`, `:\program files\`, `\software\`, `\users\`, `c:\users\`,
		`hklm\`, `\microsoft\`, `\software\microsoft\`, `\software\microsoft\windows\currentversion\`, `\svchost.exe`,
		`\powershell.exe`, `\cmd.exe`, `\explorer.exe`, `powershell.exe`, `cmd.exe`, `true`, `false`, `system`, `-`, `0x0`, `tcp`, `4`,
		`\currentversion\`, `\currentcontrolset\`, `\services\`, `\lsass.exe`, `powershell`, `windows`, `microsoft`, `setvalue`,
	} {
		set[s] = true
	}
	return set
}()

// A coverer chooses, for one class, what calls up each rule.
type coverer struct {
	m    *Matcher
	know func(pred uint32) truth
}

// truth is what is known of a part of a rule before a record is searched.
type truth uint8

const (
	unknown truth = iota
	yes
	no
)

// truth evaluates a node as far as the class decides it.
func (c *coverer) truth(n uint32) truth {
	nd := &c.m.nodes[n]
	switch nd.op {
	case opPred:
		return c.know(nd.pred)
	case opNot:
		switch c.truth(nd.kids[0]) {
		case yes:
			return no
		case no:
			return yes
		}
		return unknown
	}
	decides, out := no, yes // And: one no decides, all yes is yes
	if nd.op == opOr {
		decides, out = yes, no
	}
	for _, k := range nd.kids {
		switch t := c.truth(k); t {
		case decides:
			return decides
		case unknown:
			out = unknown
		}
	}
	return out
}

// cost returns the chance that the best cover of a node is met.
func (c *coverer) cost(n uint32) float64 {
	nd := &c.m.nodes[n]
	switch nd.op {
	case opPred:
		if c.know(nd.pred) != unknown {
			return impossible
		}
		return c.predCost(nd.pred)
	case opAnd:
		best := float64(impossible)
		for _, k := range nd.kids {
			best = min(best, c.cost(k))
		}
		return best
	case opOr:
		var sum float64
		for _, k := range nd.kids {
			if c.truth(k) == no {
				continue
			}
			if sum += c.cost(k); sum >= impossible {
				return impossible
			}
		}
		return sum
	}
	return impossible
}

func (c *coverer) predCost(p uint32) float64 {
	pr := &c.m.preds[p]
	switch {
	case pr.indexed:
		return chance(pr.Match)
	case pr.Op == sigma.OpNull || pr.Op == sigma.OpExists || pr.slot == keywordSlot:
		return impossible
	}
	if g := c.bestGate(pr); g != nil {
		return c.gateCost(pr, g)
	}
	return 1 + float64(pr.cost)/costRegexp // whenever the field is there
}

// foreignChance is how often a value holds more than ASCII.
const foreignChance = 0.05

// bestGate returns the gate met least of those that the index decides.
func (c *coverer) bestGate(pr *predicate) []uint32 {
	var best []uint32
	for _, g := range pr.gates {
		if cost := c.gateCost(pr, g); cost < impossible && (best == nil || cost < c.gateCost(pr, best)) {
			best = g
		}
	}
	return best
}

func (c *coverer) gateCost(pr *predicate, gate []uint32) (sum float64) {
	if pr.loose {
		sum = foreignChance
	}
	for _, g := range gate {
		if !c.m.preds[g].indexed {
			return impossible
		}
		sum += chance(c.m.preds[g].Match)
	}
	return sum
}

// cover is what calls a rule up.
type cover struct {
	preds   []uint32 // one of them holds
	present []uint16 // or one of these fields is there
	foreign []uint16 // or one of these fields has a value beyond ASCII
}

// collect adds the best cover of a node to out.
func (c *coverer) collect(n uint32, out *cover) {
	nd := &c.m.nodes[n]
	switch nd.op {
	case opPred:
		c.collectPred(nd.pred, out)
	case opAnd:
		best, at := float64(impossible), uint32(0)
		for _, k := range nd.kids {
			if cost := c.cost(k); cost < best {
				best, at = cost, k
			}
		}
		c.collect(at, out)
	case opOr:
		for _, k := range nd.kids {
			if c.truth(k) != no {
				c.collect(k, out)
			}
		}
	}
}

func (c *coverer) collectPred(p uint32, out *cover) {
	pr := &c.m.preds[p]
	if pr.indexed {
		out.preds = append(out.preds, p)
		return
	}
	g := c.bestGate(pr)
	if g == nil {
		out.present = append(out.present, pr.slot)
		return
	}
	out.preds = append(out.preds, g...)
	if pr.loose {
		out.foreign = append(out.foreign, pr.slot)
	}
}
