// Package match owns the fast evaluation of many Sigma rules against one
// record after another. It refuses to know what a rule means: package sigma
// says that, and its plain evaluator must give the same answer.
//
// How it works. Equal comparisons of all rules become one predicate. A record
// is first put into a class by the fields that routes ask for (channel, event
// id …); a class knows which rules can still hold, so nearly all are gone.
// The fields that the remaining rules need are then searched once each for all
// literals of all rules. Each rule has a cover: predicates of which one must
// hold for the rule to hold. Only rules whose cover was met are evaluated, and
// regular expressions come last.
package match

import (
	"fmt"
	"slices"
	"sync"

	"borj.dev/borj/watch/record"
	"borj.dev/borj/watch/sigma"
)

// keywordSlot is the slot of comparisons with any value of the record.
const keywordSlot = 0

// Matcher is a compiled set of rules. It never changes and may be shared.
type Matcher struct {
	rules  []program
	routes []route
	nodes  []node
	preds  []predicate
	slots  []slot
	byName map[string]uint16
	memory int
	// keywordRoutes tells that a route looks at every value, so that no key
	// can stand for the class.
	keywordRoutes bool

	once sync.Once
	any  *class // see universal
}

// program is one routed rule.
type program struct {
	root    uint32 // its node
	route   int32
	generic bool // only for records of no known source
}

type route struct {
	root uint32
	expr sigma.Expr // nil: every record
}

// slot is one field name that rules use.
type slot struct {
	name    string
	index   literals
	routing bool // a route asks for its value
	present bool // a route asks whether it is there, or null
	beneath bool // some rule asks whether it, or anything beneath it, exists
}

type predicate struct {
	*sigma.Match
	slot    uint16
	ref     uint16 // OpFieldRef: the other slot
	indexed bool   // decided by scanning a tier of its slot
	tier    tier
	cost    uint16 // relative, of evaluating it
	// gates are groups of predicates: wherever this one holds, one of each
	// group does. Where loose is set that is so for ASCII values only.
	gates  [][]uint32
	loose  bool
	minLen int       // bytes of the shortest value for which it can hold
	run    *classRun // in every value for which it holds, if set
	// longLine stands for the expression .{n,} with this n: there is a line of
	// so many characters. The regexp package takes n steps a byte for it.
	longLine int
}

// node is a part of a rule's condition.
type node struct {
	op   nodeOp
	pred uint32
	kids []uint32
	cost uint32
}

type nodeOp uint8

const (
	opAnd nodeOp = iota
	opOr
	opNot
	opPred
)

// Compile builds the matcher of rules. The indexes that Worker.Match reports
// are positions in rules.
func Compile(rules []sigma.Routed) (*Matcher, error) {
	c := compiler{
		m: &Matcher{
			slots: []slot{{}}, byName: map[string]uint16{"": keywordSlot},
		},
		preds:  map[string]uint32{},
		routes: map[string]int32{},
		tiny:   map[uint16]int{},
	}
	for i := range rules {
		if err := c.rule(&rules[i]); err != nil {
			return nil, fmt.Errorf("rule %q: %w", rules[i].Rule.Title, err)
		}
	}
	if err := c.gates(); err != nil {
		return nil, err
	}
	c.index()
	return c.m, nil
}

// compiler holds what only compiling needs.
type compiler struct {
	m      *Matcher
	preds  map[string]uint32 // by Match.Key
	routes map[string]int32
	tiny   map[uint16]int // by slot: how many texts of fewer than four bytes
}

func (c *compiler) rule(r *sigma.Routed) error {
	root, err := c.expr(r.Expr)
	if err != nil {
		return err
	}
	rt, err := c.route(r.Route)
	if err != nil {
		return err
	}
	c.m.rules = append(c.m.rules, program{root: root, route: rt, generic: r.Generic})
	return nil
}

// route returns the number of the route, giving equal routes one number.
func (c *compiler) route(e sigma.Expr) (int32, error) {
	key := sigma.ExprKey(e)
	if n, ok := c.routes[key]; ok {
		return n, nil
	}
	rt := route{expr: e}
	if e != nil {
		root, err := c.expr(e)
		if err != nil {
			return 0, err
		}
		rt.root = root
		c.routing(root)
	}
	n := int32(len(c.m.routes))
	c.m.routes = append(c.m.routes, rt)
	c.routes[key] = n
	return n, nil
}

// routing marks the slots beneath a node as routing slots.
func (c *compiler) routing(n uint32) {
	nd := &c.m.nodes[n]
	if nd.op == opPred {
		p := &c.m.preds[nd.pred]
		s := &c.m.slots[p.slot]
		switch {
		case p.Op == sigma.OpExists || p.Op == sigma.OpNull:
			s.present = true
		case p.slot != keywordSlot:
			s.routing = true
		}
		c.m.keywordRoutes = c.m.keywordRoutes || p.slot == keywordSlot
		if p.Op == sigma.OpFieldRef {
			c.m.slots[p.ref].routing = true
		}
	}
	for _, k := range nd.kids {
		c.routing(k)
	}
}

// expr compiles e and returns its node.
func (c *compiler) expr(e sigma.Expr) (uint32, error) {
	switch e := e.(type) {
	case sigma.And:
		return c.join(opAnd, e)
	case sigma.Or:
		return c.join(opOr, e)
	case sigma.Not:
		k, err := c.expr(e.Of)
		if err != nil {
			return 0, err
		}
		return c.node(node{op: opNot, kids: []uint32{k}, cost: c.m.nodes[k].cost}), nil
	case *sigma.Match:
		p, err := c.pred(e)
		if err != nil {
			return 0, err
		}
		return c.node(node{op: opPred, pred: p, cost: uint32(c.m.preds[p].cost)}), nil
	}
	return 0, fmt.Errorf("an expression of type %T cannot be compiled", e)
}

func (c *compiler) join(op nodeOp, es []sigma.Expr) (uint32, error) {
	nd := node{op: op}
	for _, e := range es {
		k, err := c.expr(e)
		if err != nil {
			return 0, err
		}
		nd.kids = append(nd.kids, k)
	}
	// What is cheap may spare what is dear.
	slices.SortStableFunc(nd.kids, func(a, b uint32) int {
		return int(c.m.nodes[a].cost) - int(c.m.nodes[b].cost)
	})
	for _, k := range nd.kids {
		nd.cost = min(nd.cost+c.m.nodes[k].cost, 1<<30)
	}
	return c.node(nd), nil
}

func (c *compiler) node(nd node) uint32 {
	c.m.nodes = append(c.m.nodes, nd)
	return uint32(len(c.m.nodes) - 1)
}

func (c *compiler) slot(name string) (uint16, error) {
	if n, ok := c.m.byName[name]; ok {
		return n, nil
	}
	if len(c.m.slots) == 1<<16-1 {
		return 0, fmt.Errorf("the rules name more than %d fields", len(c.m.slots))
	}
	n := uint16(len(c.m.slots))
	c.m.slots = append(c.m.slots, slot{name: name})
	c.m.byName[name] = n
	return n, nil
}

// The relative costs of evaluating a predicate.
const (
	costIndexed = 1
	costValue   = 8
	costGlob    = 20
	costRegexp  = 2000
)

func (c *compiler) pred(m *sigma.Match) (uint32, error) {
	key := m.Key()
	if p, ok := c.preds[key]; ok {
		return p, nil
	}
	p := predicate{Match: m, cost: costValue}
	var err error
	if p.slot, err = c.slot(m.Field); err != nil {
		return 0, err
	}
	switch m.Op {
	case sigma.OpEquals, sigma.OpContains, sigma.OpStartsWith, sigma.OpEndsWith:
		p.indexed = !m.Cased && m.Part == sigma.WholeValue && len(m.Text) > 0
		if m.Op == sigma.OpContains && len(m.Text) < gramSize && !c.roomForTiny(p.slot) {
			p.indexed = false
		}
		if p.indexed {
			p.cost = costIndexed
		}
		switch {
		case m.Op != sigma.OpContains:
			p.tier = tierEnds
		case len(m.Text) >= longText:
			p.tier = tierLong
		case len(m.Text) >= gramSize:
			p.tier = tierShort
		default:
			p.tier = tierTiny
		}
	case sigma.OpFieldRef:
		if p.ref, err = c.slot(m.Text); err != nil {
			return 0, err
		}
	case sigma.OpGlob:
		p.cost = costGlob
	case sigma.OpRegexp:
		p.cost = costRegexp
		if p.longLine = longLine(m.Regexp.String()); p.longLine > 0 {
			p.cost = costGlob
		}
	case sigma.OpExists, sigma.OpNull:
		c.m.slots[p.slot].beneath = true
	}
	n := uint32(len(c.m.preds))
	c.m.preds = append(c.m.preds, p)
	c.preds[key] = n
	return n, nil
}

// roomForTiny takes a place in the slot's table of tiny texts, if there is one.
func (c *compiler) roomForTiny(slot uint16) bool {
	c.tiny[slot]++
	return c.tiny[slot] <= maxTiny
}

// index builds the literal index of every slot.
func (c *compiler) index() {
	m := c.m
	type lists struct{ tails, heads, long, short, tiny []literal }
	of := make([]lists, len(m.slots))
	for i := range m.preds {
		p := &m.preds[i]
		if !p.indexed {
			continue
		}
		l, to := literal{pred: uint32(i), text: p.Text}, &of[p.slot]
		switch {
		case p.Op == sigma.OpEquals:
			l.whole = true
			to.tails = append(to.tails, l)
		case p.Op == sigma.OpEndsWith:
			to.tails = append(to.tails, l)
		case p.Op == sigma.OpStartsWith:
			to.heads = append(to.heads, l)
		case p.tier == tierLong:
			to.long = append(to.long, l)
		case p.tier == tierShort:
			to.short = append(to.short, l)
		default:
			to.tiny = append(to.tiny, l)
		}
	}
	for i := range m.slots {
		x := &m.slots[i].index
		x.ends.tails, x.ends.heads = newWordTable(of[i].tails, true), newWordTable(of[i].heads, false)
		x.parts[0], x.parts[1] = newGramTable(of[i].long, 4), newGramTable(of[i].short, 1)
		x.tiny = newTinyTable(of[i].tiny)
		m.memory += x.size()
	}
}

// Memory returns the bytes that the literal indexes hold.
func (m *Matcher) Memory() int { return m.memory }

// NewWorker returns an evaluator for one goroutine. Records given to it must
// share paths.
func (m *Matcher) NewWorker(paths *record.Paths) *Worker {
	return &Worker{
		m: m, paths: paths,
		plans:   make([]plan, paths.Len()),
		state:   make([]uint32, len(m.preds)),
		queued:  make([]uint32, len(m.rules)),
		slots:   make([]slotState, len(m.slots)),
		classes: map[string]*class{},
		limit:   maxClasses,
		everFed: [2]bitset{newBitset(len(m.routes)), newBitset(len(m.routes))},
		routes:  newBitset(len(m.routes)),
	}
}
