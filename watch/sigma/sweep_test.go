package sigma_test

import (
	"testing"
	"time"

	"borj.dev/borj/internal/recorded"
	"borj.dev/borj/watch/sigma"
)

func TestPublicRuleSet(t *testing.T) {
	start := time.Now()
	set, err := sigma.Load([]string{recorded.Path(t, "sigma", "sigma-rules.tar.gz")}, sigma.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d rules, %d correlations, %d failed, %d skipped in %v", len(set.Rules), len(set.Correlations), len(set.Failed), len(set.Skipped), time.Since(start))
	if len(set.Rules) < 3700 {
		t.Errorf("%d rules loaded, want at least 3700", len(set.Rules))
	}
	if len(set.Failed) > 10 {
		t.Errorf("%d rules failed, want at most 10", len(set.Failed))
	}
	for _, f := range set.Failed {
		t.Logf("failed: %s:%d: %s: %s", f.File, f.Line, f.Rule, f.Reason)
	}
	for _, r := range set.Rules {
		if _, err := r.Resolve(); err != nil {
			t.Errorf("%s was loaded and does not resolve: %v", r.File, err)
		}
	}
}

func BenchmarkLoadPublicRules(b *testing.B) {
	file := recorded.Path(b, "sigma", "sigma-rules.tar.gz")
	for b.Loop() {
		if _, err := sigma.Load([]string{file}, sigma.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}
