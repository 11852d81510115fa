package cli

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
)

// What the linker is told (see Makefile). A build by other means leaves the
// commit to the Go toolchain's own record.
var (
	release    = "0.1.0-dev"
	commit     string // full hash
	commitTime string // RFC 3339, of the commit: the clock of the build is no input
	dirty      string // "true" when the tree differed from the commit
)

type versionCmd struct {
	JSON bool `name:"json" help:"One JSON object instead of text."`
}

// version is what borj knows about its own making.
type version struct {
	Version    string            `json:"version"`
	Commit     string            `json:"commit"`
	CommitTime string            `json:"commit_time"`
	Dirty      bool              `json:"dirty"` // built from a tree that differs from the commit
	Go         string            `json:"go"`
	Platform   string            `json:"platform"`
	Build      map[string]string `json:"build"` // settings as the Go toolchain recorded them
}

// builtAs returns the version of the running binary.
func builtAs() version {
	v := version{
		Version: release, Commit: commit, CommitTime: commitTime, Dirty: dirty == "true",
		Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
		Build: make(map[string]string),
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.time":
			v.CommitTime = s.Value
		case "vcs.modified":
			v.Dirty = s.Value == "true"
		case "CGO_ENABLED", "-trimpath", "-buildmode", "-tags", "-race", "GOAMD64", "GOARM64":
			v.Build[s.Key] = s.Value
		}
	}
	return v
}

// Run writes the version.
func (c *versionCmd) Run(to *console) error {
	v := builtAs()
	if c.JSON {
		enc := json.NewEncoder(to.stdout)
		enc.SetIndent("", "  ")
		return wrapStdout(enc.Encode(v))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "borj %s\n", v.Version)
	from := v.Commit
	if from == "" {
		from = "unknown"
	}
	if v.CommitTime != "" {
		from += " of " + v.CommitTime
	}
	if v.Dirty {
		from += ", with changes"
	}
	fmt.Fprintf(&b, "commit    %s\n", from)
	fmt.Fprintf(&b, "go        %s, %s\n", v.Go, v.Platform)
	for _, key := range []string{"CGO_ENABLED", "-trimpath", "-buildmode", "-tags", "-race", "GOAMD64", "GOARM64"} {
		if value := v.Build[key]; value != "" {
			fmt.Fprintf(&b, "build     %s=%s\n", key, value)
		}
	}
	_, err := fmt.Fprint(to.stdout, b.String())
	return wrapStdout(err)
}

func wrapStdout(err error) error {
	if err != nil {
		return fmt.Errorf("cannot write standard output: %w", err)
	}
	return nil
}
