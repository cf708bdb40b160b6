// Package knowledge turns files people write into numbered measures: a Document
// has Sections (海关直接激励措施), a Section has Measures (5. 可向海关申请免除担保), and
// all of them, with the unnumbered paragraphs around, are the Passages an index
// stores. Every text it hands out is a byte span of a source file whose hash is
// known. Curated notes lie in a second file beside the source and change what is
// said around a quotation, never the quotation.
//
// It does not know how passages are searched or shown.
//
// Read document.go first (the nouns), then library.go, format.go, text.go,
// outline.go, notes.go, lint.go.
package knowledge
