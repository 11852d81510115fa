package cli

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
)

func TestReport(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		code int
		want string
	}{
		"none":     {nil, 0, ""},
		"found":    {errFound, 3, ""},
		"one":      {errors.New("a\x1b[2Jb"), 1, "borj: a\\x1b[2Jb\n"},
		"several":  {errors.Join(errors.New("a"), errors.New("b")), 1, "borj: a\nborj: b\n"},
		"wrapped":  {fmt.Errorf("reading: %w", errors.Join(errors.New("a"), errors.New("b"))), 1, "borj: reading: a\nborj: reading: b\n"},
		"forged":   {errors.New("a\nborj: all is well"), 1, "borj: a\\x0aborj: all is well\n"},
		"usage":    {errors.Join(usageError{errors.New("a")}, nil), 2, "borj: a\nborj --help, or borj COMMAND --help, shows the usage.\n"},
		"two in 1": {fmt.Errorf("%w and %w", errors.New("a"), errors.New("b")), 1, "borj: a and b\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if code := report(&b, c.err); code != c.code || b.String() != c.want {
				t.Errorf("report = %d, %q; want %d, %q", code, b.String(), c.code, c.want)
			}
		})
	}
}

// TestFailedOnce: a full disk is told once, however many calls meet it.
func TestFailedOnce(t *testing.T) {
	full := errors.New("full")
	var s scan
	s.failed(nil)
	s.failed(fmt.Errorf("writing: %w", full))
	s.failed(errors.Join(full, errors.New("other")))
	if len(s.failures) != 2 {
		t.Errorf("%q are kept, want the full disk once, and the other", s.failures)
	}
}
