// Package aibot is the AI bot (智能机器人) of WeCom: what its callbacks say becomes a
// bot.Message, the reply becomes a finished stream. It knows the platform's JSON;
// how that is signed and encrypted is package envelope's, what is answered is the
// engine's.
//
// Forms and limits are those of WeCom's documentation pages 100719, 101027, 101031
// and 101033, as read in November 2026.
//
// Read respond.go first (a message's answer), then callback.go (over HTTP) and
// connection.go, session.go, delivery.go, frame.go, promise.go (over the long
// connection). codes.go is what is done about each error code. incoming.go, fields.go (how
// leniently it is read), decode.go and outgoing.go are the platform's forms.
package aibot
