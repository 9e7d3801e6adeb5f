package eob

import (
	"fmt"
	"strings"
	"testing"

	"ab2d/internal/fhir"
)

const dictionary = "../../docs/data-dictionary.md"

// dictionaryHead stands before the tables. A tilde is a back quote, and N the version
// of the allow-list.
const dictionaryHead = `# Data dictionary

This page lists every field that a sponsor receives of a claim. The server applies these
tables (allow-list version N).

- A field, an extension or a value that is not listed is not delivered.
- Values are copied as they are written, in the order of the claim.
- A field that has nothing left in it is not delivered either.

How to read the tables:

- ~[]~ is an array. ~extension[name]~ is the extension with the url
  ~https://bluebutton.cms.gov/resources/variables/name~, and ~name1..9~ are nine of them.
- *Holds* is a primitive type, or a FHIR data type. Of a data type, these parts are
  delivered:
  - Coding: system, version, code, display
  - CodeableConcept: its codings
  - Identifier: system, value, and in version 2 also type
  - Quantity: value, unit, system, code
  - Money: value, system, code
  - Period: start, end
- Version 3 delivers fewer parts. Its table lists them.

What else to know:

- The server adds an extension for each of the enrollee's MBIs, the current one first. In
  version 3 it adds the current one only. The url of the extension is
  ~http://hl7.org/fhir/StructureDefinition/elementdefinition-identifier~. It has a
  ~valueIdentifier~ with the system ~http://hl7.org/fhir/sid/us-mbi~. In that, an extension
  ~https://bluebutton.cms.gov/resources/codesystem/identifier-currency~ has the code
  ~current~ or ~historic~.
- Version 1 has amounts in extensions of the claim, because AB2D has delivered them since
  2023. FHIR's own elements for payment, adjudication and totals are never delivered.
  Versions 2 and 3 have no amounts.
- Part D events, and claims marked or coded as substance-use treatment (42 CFR Part 2), are
  never delivered. In version 3, only adjudicated claims of the National Claims History
  are.
- Version 3 has fields that CMS's published dictionary promises and AB2D's version 3 does
  not deliver: drug codes of lines, CLIA numbers, facility type, claim query code, the
  specialty of a line's provider, supervising providers, and NPI, CCN and postal code of
  the claim's provider.
`

func TestDictionary(t *testing.T) {
	var b strings.Builder
	b.WriteString(strings.NewReplacer("~", "`", "version N)", fmt.Sprintf("version %d)", AllowList)).Replace(dictionaryHead))
	writeVersion(&b, fhir.V1, droppedSTU3)
	writeVersion(&b, fhir.V2, droppedR4)
	writeVersion(&b, fhir.V3, droppedR4V3)
	golden(t, dictionary, []byte(b.String()))
}

func writeVersion(b *strings.Builder, v fhir.Version, dropped []absent) {
	fmt.Fprintf(b, "\n## Version %d (FHIR %s): what is kept\n\n| field | holds | meaning | code or identifier system |\n| --- | --- | --- | --- |\n", v, v.FHIR())
	for _, table := range tables(v) {
		for _, e := range table {
			fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", e.path, e.holds.String(), e.meaning, systems(e.system))
		}
	}
	writeConditions(b, v)
	fmt.Fprintf(b, "\n## Version %d: what is left out, and why\n\n| fields | why |\n| --- | --- |\n", v)
	for _, a := range dropped {
		fmt.Fprintf(b, "| `%s` | %s |\n", strings.Join(a.paths, "`, `"), a.why)
	}
}

// writeConditions writes what else decides about the fields of a version.
func writeConditions(b *strings.Builder, v fhir.Version) {
	picks, needs := conditions(v)
	if picks == nil {
		return
	}
	fmt.Fprintf(b, "\n### Version %d: of these fields, only these values\n\nWith another value, or none, what the field is of is dropped, too. The case of letters does not count.\n\n| field | values | what stays |\n| --- | --- | --- |\n", v)
	for _, p := range picks {
		fmt.Fprintf(b, "| `%s` | `%s` | %s |\n", p.path, strings.Join(p.values, "`, `"), p.meaning)
	}
	fmt.Fprintf(b, "\n### Version %d: dropped as a whole\n\n", v)
	for _, one := range needs {
		fmt.Fprintf(b, "- An entry of `%s` that has nothing of `%s`.\n", one[0][:strings.LastIndex(one[0], ".")], strings.Join(one, "`, `"))
	}
	b.WriteString("- A contained resource to which none of the references above refers, and a reference to a contained resource that is not kept.\n")
}

// systems writes each system as code.
func systems(list string) string {
	if list == "" {
		return ""
	}
	return "`" + strings.ReplaceAll(list, ", ", "`, `") + "`"
}

// TestEveryElementIsDescribed holds the tables complete.
func TestEveryElementIsDescribed(t *testing.T) {
	for _, v := range versions {
		seen := map[string]bool{}
		for _, table := range tables(v) {
			for _, e := range table {
				key := fmt.Sprint(e.path, e.holds)
				if e.meaning == "" || e.holds.String() == "" || seen[key] {
					t.Errorf("%s: %s has no meaning, holds nothing or stands twice", v, e.path)
				}
				if strings.Contains(e.path, "extension[") && extensionValue[e.holds] == "" {
					t.Errorf("%s: %s holds what no extension has", v, e.path)
				}
				seen[key] = true
			}
		}
	}
}

// TestDroppedIsDropped holds what the dictionary says about the rest true.
func TestDroppedIsDropped(t *testing.T) {
	for v, dropped := range map[fhir.Version][]absent{fhir.V1: droppedSTU3, fhir.V2: droppedR4, fhir.V3: droppedR4V3} {
		root := compile(v)
		for _, a := range dropped {
			for _, path := range a.paths {
				array, urls := extensions(path)
				n := root.find(strings.ReplaceAll(array, "[]", ""))
				for _, u := range urls {
					if n != nil && n.byURL[u] != nil {
						t.Errorf("%s keeps %s", v, path)
					}
				}
				if n != nil && urls == nil && n.holds != unkept {
					t.Errorf("%s keeps %s", v, path)
				}
			}
		}
	}
}
