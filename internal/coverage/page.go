package main

import (
	"fmt"
	"slices"
	"strings"

	"borj.dev/borj/watch/sigma"
)

// notes say what a person sees in a recording that no rule names.
var notes = map[string]string{
	"covenant_getdomaingroup_ldap_searchrequest_domain_admins.zip": "The search ran inside an implant: what is left are LDAP connections and object accesses. The rules ask for the directory client's debug log, or for tools by name.",
	"empire_getsession_dcerpc_smb_srvsvc_NetSessEnum.zip":          "Sessions were listed by a call of the operating system from memory; the rules ask for netstat, net or cmdlets by name.",
	"empire_ninjacopy_dumping_ntds_dit_file.zip":                   "The copy was called ntds-copy.dit, and the rules want a name that ends with ntds.dit. The rule that knows the cmdlet's name is about script blocks, and this one was only logged as a pipeline (event 800).",
	"psh_input_capture_promptforcreds.zip":                         "The dialogue's libraries were loaded by powershell.exe in System32, which the rule excepts.",
	"psh_powershell_httplistener.zip":                              "110 events: neither the start of a process nor a script block was recorded.",
	"psh_register_cimprovider_execute_dll.zip":                     "The attack is found, by “DLL Execution Via Register-cimprovider.exe”, but the rule carries T1574, not T1218.",
	"psh_windows_vault_web_credentials.zip":                        "Labelled T1055 (process injection), though it reads web credentials from the vault (T1555.004); nothing was injected.",
	"reg_cmd_process_commandline_logging_disabled.zip":             "No rule knows the value ProcessCreationIncludeCmdLine_Enabled.",
	"reg_meterpreter_process_commandline_logging_disabled.zip":     "No rule knows the value ProcessCreationIncludeCmdLine_Enabled.",
	"cmd_psh_stop_netprofm_eventlog_before_reboot.zip":             "The event log service was stopped by stopping its thread's host; no rule sees that.",
	"psh_metasploit_stop_netprofm_eventlog_after_reboot.zip":       "The event log service was stopped by stopping its thread's host; no rule sees that.",
}

// rate counts the recordings of which a rule carries the technique, and those
// of them that are named at least so closely.
func rate(list []*outcome, at naming) (named, of int) {
	for _, o := range list {
		if o.tagged == 0 {
			continue
		}
		of++
		if o.naming >= at {
			named++
		}
	}
	return named, of
}

func percent(n, of int) string {
	return fmt.Sprintf("%d of %d (%.0f %%)", n, of, 100*float64(n)/float64(max(of, 1)))
}

func (r *report) page() string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	p("# Detection coverage")
	p("")
	p("Written by `go run ./internal/coverage -o docs/detection-coverage.md`: do not edit. It scans recorded attacks")
	p("([OTRF Security-Datasets](https://github.com/OTRF/Security-Datasets)) and benign network logs with every public Sigma rule")
	p("(%d rules) and the built-in pipelines, as `borj scan` does.", r.rules)
	p("")
	var asLabelled, renewed []*outcome
	for i := range r.outcomes {
		o := &r.outcomes[i]
		asLabelled = append(asLabelled, o)
		if o.renewed != nil {
			o = o.renewed
		}
		renewed = append(renewed, o)
	}
	r.rates(p, asLabelled, renewed)
	r.missed(p, renewed)
	r.found(p, renewed)
	r.alarms(p)
	return b.String()
}

func (r *report) rates(p func(string, ...any), asLabelled, renewed []*outcome) {
	p("## Recordings whose technique was named")
	p("")
	p("A recording counts when at least one loaded rule carries the ATT&CK number that its authors labelled it with. It is *named")
	p("exactly* when a hit carries that number (or a child of it, where the label has no sub-technique), and *named* when a hit")
	p("carries the same technique, whatever the sub-technique: T1003.001 where the label says T1003.003.")
	p("")
	p("| | named | named exactly |")
	p("|---|---|---|")
	for _, row := range []struct {
		what string
		list []*outcome
	}{{"numbers as labelled", asLabelled}, {"T1562 by its present numbers", renewed}} {
		base, of := rate(row.list, namesBase)
		itself, _ := rate(row.list, namesItself)
		p("| %s | %s | %s |", row.what, percent(base, of), percent(itself, of))
	}
	near := 0
	for _, o := range asLabelled {
		if o.tagged > 0 && o.naming == namesNot && len(o.near) > 0 {
			near++
		}
	}
	base, of := rate(asLabelled, namesBase)
	p("| most that this rule set can name, were every exception of every rule ignored | %s | |", percent(base+near, of))
	p("")
	reached := "It is reached."
	if 5*base < 4*of {
		reached = "**It is not reached**; why, the next section says for each recording."
	}
	p("The goal is 80 %% as labelled. %s", reached)
	p("")
	p("ATT&CK 19 renumbered T1562, *impair defences*. The recordings keep the old number and the rules carry the new one, so as")
	p("labelled those recordings have no rule and do not count; the second row follows the renumbering (%s).", renumberings())
	p("Where a recording is named only by “Eventlog Cleared”, that is how its authors began to record, and not the attack; such")
	p("a recording is not named exactly.")
	p("")
}

func renumberings() string {
	var list []string
	for from, to := range renumbered {
		list = append(list, from+" is now "+to)
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

func (r *report) missed(p func(string, ...any), list []*outcome) {
	p("## Recordings not named, and why")
	p("")
	p("*Rules* are those that carry the number exactly; *fed* those of them whose log source the recording has at all. A miss that")
	p("says “no rule asks for anything in it” was checked against the rules of the technique and of all its sub-techniques with")
	p("every exception that they make ignored: no mapping of fields could have found it with this rule set.")
	p("")
	p("| recording | technique | rules | fed | why |")
	p("|---|---|---|---|---|")
	for _, o := range list {
		if o.naming != namesNot || o.tagged == 0 {
			continue
		}
		why := "No rule asks for anything in it."
		if len(o.near) > 0 {
			why = "But for its own exceptions, this rule would hit: " + strings.Join(o.near, ", ") + "."
		}
		if n := notes[o.name]; n != "" {
			why += " " + n
		}
		p("| %s | %s | %d | %d | %s |", o.name, strings.Join(o.techniques, ", "), o.tagged, o.fed, why)
	}
	p("")
	p("Named, but not exactly:")
	p("")
	p("| recording | technique | named by | its tags |")
	p("|---|---|---|---|")
	for _, o := range list {
		if o.naming == namesBase && o.tagged > 0 {
			p("| %s | %s | %s (%s) | %s |", o.name, strings.Join(o.techniques, ", "), o.by.Title, o.by.Level, techniquesOf(o.by))
		}
	}
	p("")
}

func techniquesOf(r *sigma.Rule) string {
	var list []string
	for _, t := range r.Tags {
		if id, ok := strings.CutPrefix(t, "attack.t"); ok {
			list = append(list, "T"+id)
		}
	}
	return strings.Join(list, ", ")
}

func (r *report) found(p func(string, ...any), list []*outcome) {
	p("## Recordings named exactly")
	p("")
	p("| recording | technique | events | by the rule (of the highest level) |")
	p("|---|---|---|---|")
	for _, o := range list {
		if o.naming == namesItself {
			p("| %s | %s | %d | %s (%s) |", o.name, strings.Join(o.techniques, ", "), o.events, o.by.Title, o.by.Level)
		}
	}
	p("")
}

func (r *report) alarms(p func(string, ...any)) {
	p("## False alarms")
	p("")
	p("Every hit on the network logs counts as a false alarm, and in the recordings every hit of a rule that does not carry the")
	p("recording's technique. Both are upper bounds: the network logs are of an exercise and of recorded attacks, and an attack")
	p("is more than the one technique that it is labelled with. Hits per million events:")
	p("")
	all := append([]counts{r.background}, r.benign...)
	head, line := "| level |", "|---|"
	for _, c := range all {
		head += fmt.Sprintf(" %s (%d events) |", c.name, c.events)
		line += "---:|"
	}
	p("%s", head)
	p("%s", line)
	for level := sigma.Critical; ; level-- {
		row := fmt.Sprintf("| %s |", level)
		for _, c := range all {
			row += fmt.Sprintf(" %.0f |", perMillion(c.level[level], c.events))
		}
		p("%s", row)
		if level == sigma.Informational {
			break
		}
	}
	p("")
	p("The rules with the most of them:")
	p("")
	p("| where | rule | level | hits |")
	p("|---|---|---|---:|")
	for _, c := range all {
		for _, rule := range c.noisiest(8) {
			p("| %s | %s | %s | %d |", c.name, rule.Title, rule.Level, c.rules[rule])
		}
	}
}

func perMillion(n, of int64) float64 { return 1e6 * float64(n) / float64(max(of, 1)) }
