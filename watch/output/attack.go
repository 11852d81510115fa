package output

import "strings"

// tactics are the tactics of MITRE ATT&CK (Enterprise, and those that only ICS
// and Mobile have), in the order in which an attack passes through them.
// Sigma's tags name them attack.initial-access, formerly attack.initial_access.
var tactics = [...]string{
	"Reconnaissance",
	"Resource Development",
	"Initial Access",
	"Execution",
	"Persistence",
	"Privilege Escalation",
	"Defense Evasion", // until ATT&CK 18; then the next two
	"Stealth",
	"Defense Impairment",
	"Evasion",
	"Credential Access",
	"Discovery",
	"Lateral Movement",
	"Collection",
	"Command and Control",
	"Exfiltration",
	"Inhibit Response Function",
	"Impair Process Control",
	"Network Effects",
	"Remote Service Effects",
	"Impact",
}

// attack reads a rule's tag: a tactic by its name, or a technique by its id
// (T1059.001), or neither.
func attack(tag string) (tactic, technique string) {
	name, ok := strings.CutPrefix(strings.ToLower(tag), "attack.")
	if !ok {
		return "", ""
	}
	if len(name) >= 5 && name[0] == 't' && strings.Trim(name[1:], "0123456789.") == "" {
		return "", strings.ToUpper(name)
	}
	name = strings.NewReplacer("-", " ", "_", " ").Replace(name)
	for _, t := range tactics {
		if strings.EqualFold(t, name) {
			return t, ""
		}
	}
	return "", ""
}
