// SPDX-License-Identifier: Apache-2.0

/// An error that knows what the client should get for it.
///
/// Thrown from a route or from middleware, its reply is sent. Any other error gets 500, without a
/// word about what went wrong.
public protocol ReplyError: Error {
    /// The reply to send.
    var reply: Reply { get }
}
