package correlate

// Lists that a group is in, as indexes of group.links.
const (
	ofCorrelation = iota
	ofState
)

// link joins a group to its neighbours in a recency list.
type link struct{ older, newer *group }

// recency lists groups from the least to the most recently fed one.
type recency struct {
	in             int // index of group.links
	oldest, newest *group
}

// touch makes g the newest, adding it if it was not listed.
func (r *recency) touch(g *group) {
	if r.newest == g {
		return
	}
	r.remove(g)
	l := &g.links[r.in]
	if l.older = r.newest; r.newest != nil {
		r.newest.links[r.in].newer = g
	} else {
		r.oldest = g
	}
	r.newest = g
}

// remove takes g out, if it is listed.
func (r *recency) remove(g *group) {
	l := &g.links[r.in]
	switch {
	case l.older != nil:
		l.older.links[r.in].newer = l.newer
	case r.oldest == g:
		r.oldest = l.newer
	}
	switch {
	case l.newer != nil:
		l.newer.links[r.in].older = l.older
	case r.newest == g:
		r.newest = l.older
	}
	*l = link{}
}
