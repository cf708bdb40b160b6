// Package app is the self-built WeCom application (自建应用): it reads the XML
// callback, answers in the same HTTP response, and sends what does not fit there
// through message/send.
//
// It knows the application's XML and the calls it makes through package api. It
// refuses to know how a question is answered (bot.Engine does), how a callback is
// signed and encrypted (envelope does) and how a reply is cut into pages (the engine
// does, between measures).
//
// Read callback.go first, then incoming.go, reply.go, pushes.go, sender.go.
package app
