// Package borj is the root of the module and holds nothing but its tests yet:
// the vocabulary that packages share will stand here once two of them share
// any. It refuses behaviour.
package borj
