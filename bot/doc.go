// Package bot is the conversation: a Message goes in, a Reply comes out, and what
// was shown is remembered in a Session so that 更多 and 第3条 mean something.
//
// It knows nothing of any channel or store; those are folders below it that
// import it. It chooses and arranges quotations, and writes no substance of its
// own.
//
// Read message.go first (the nouns), then state.go and view.go (what is remembered),
// engine.go (one message), turn.go (what a message gets), intents.txt with intent.go
// (what it wants), parts.go (its questions), ask.go and follow.go (answers),
// compose.go (fitting to a screen).
package bot
