// Package cli owns the commands that people and scripts call: their options,
// their help, their exit codes. It refuses to do the work itself: each command
// is one file that calls the packages which do.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"borj.dev/borj/watch/output"
)

// Exit codes, which scripts rely on.
const (
	exitDone   = 0
	exitFailed = 1 // an input could not be read to its end, or an output not be written
	exitUsage  = 2
	exitFound  = 3 // --fail-on was reached
)

// grammar is every command. Its help texts are what a user reads first.
type grammar struct {
	Scan    scanCmd    `cmd:"" help:"Find threats in logs: match records against Sigma rules and indicators."`
	Version versionCmd `cmd:"" help:"Show which borj this is, and how it was built."`
}

const about = `Borj watches logs for threats: it matches them against Sigma rules and your own
indicators, and reads Suricata, Zeek, Windows, Linux audit, CloudTrail, CSV and
any JSON.`

// console is what a command talks through. A command gets it, and the context
// that an interrupt ends, as arguments of its Run method.
type console struct {
	stdin          io.Reader
	stdout, stderr io.Writer
}

// usageError is what the user has to write differently.
type usageError struct{ error }

// errFound says that --fail-on was reached. It has no message of its own:
// the hits have been shown.
var errFound = errors.New("a hit reached the level of --fail-on")

// Run runs the command in args and returns its exit code: 0 done, 1 an input or
// an output failed, 2 wrong usage, 3 --fail-on reached. It never exits itself.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal kills

	var g grammar
	helped := false // help was asked for: kong wants to exit, and goes on instead
	parser, err := kong.New(&g,
		kong.Name("borj"),
		kong.Description(about),
		kong.Writers(stdout, stderr),
		kong.Exit(func(int) { helped = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(&console{stdin, stdout, stderr}),
	)
	if err != nil {
		return report(stderr, fmt.Errorf("the commands are declared wrongly: %w", err))
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if helped {
		return exitDone
	}
	if err != nil {
		return report(stderr, usageError{err})
	}
	return report(stderr, command.Run())
}

// report tells the user what failed, and returns the exit code that fits.
func report(stderr io.Writer, err error) int {
	var usage usageError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errFound):
		return exitFound
	}
	tell(stderr, err)
	if errors.As(err, &usage) {
		fmt.Fprintln(stderr, "borj --help, or borj COMMAND --help, shows the usage.")
		return exitUsage
	}
	return exitFailed
}

// tell writes err for people, a line for each error joined in it. Names of
// files and members, which others chose, are made harmless.
func tell(stderr io.Writer, err error) {
	for _, text := range messages(err) {
		fmt.Fprintf(stderr, "borj: %s\n", output.Harmless(text))
	}
}

// messages returns the text of each of the errors that were joined in err.
func messages(err error) []string {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var list []string
		for _, e := range joined.Unwrap() {
			list = append(list, messages(e)...)
		}
		if strings.Join(list, "\n") == err.Error() {
			return list
		}
	}
	inner := errors.Unwrap(err)
	if inner == nil {
		return []string{err.Error()}
	}
	lead, ok := strings.CutSuffix(err.Error(), inner.Error())
	if !ok {
		return []string{err.Error()}
	}
	list := messages(inner)
	for i := range list {
		list[i] = lead + list[i]
	}
	return list
}
