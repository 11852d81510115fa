package main

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"borj.dev/borj/watch/record"
	"borj.dev/borj/watch/sigma"
	"borj.dev/borj/watch/sigma/match"
)

// near returns the titles of the rules of the recording's technique, by its
// present number, that would hit if they made no exceptions.
func (s *scanner) near(r recording) ([]string, error) {
	var routed []sigma.Routed
	for _, rule := range s.set.Rules {
		if closest(rule.Tags, current(r.techniques)) == namesNot {
			continue
		}
		list, err := s.pipes.Route(rule)
		if err != nil {
			return nil, err
		}
		for _, one := range list {
			one.Expr = withoutExceptions(one.Expr)
			routed = append(routed, one)
		}
	}
	matcher, err := match.Compile(routed)
	if err != nil {
		return nil, err
	}
	src, err := record.Open([]string{r.file}, record.Options{Auto: true})
	if err != nil {
		return nil, err
	}
	defer func() { _ = src.Close() }() // it was only read
	paths := record.NewPaths(0)
	fl, worker := record.NewFlattener(paths, record.DefaultLimits), matcher.NewWorker(paths)
	var titles []string
	for {
		chunk, err := src.Next()
		if errors.Is(err, io.EOF) {
			slices.Sort(titles)
			return titles, nil
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", r.file, err)
		}
		chunk.Each(fl, func(_ int, rec *record.Record) {
			for _, i := range worker.Match(rec, nil) {
				if t := routed[i].Rule.Title; !slices.Contains(titles, t) {
					titles = append(titles, t)
				}
			}
		}, func(int, record.Reject) {})
		chunk.Release()
	}
}

// withoutExceptions takes every negation for true.
func withoutExceptions(e sigma.Expr) sigma.Expr {
	each := func(list []sigma.Expr) []sigma.Expr {
		out := make([]sigma.Expr, len(list))
		for i, one := range list {
			out[i] = withoutExceptions(one)
		}
		return out
	}
	switch e := e.(type) {
	case sigma.And:
		return sigma.And(each(e))
	case sigma.Or:
		return sigma.Or(each(e))
	case sigma.Not:
		return sigma.And{}
	}
	return e
}
