// SPDX-License-Identifier: Apache-2.0
/// The side of a connection that an endpoint plays (RFC 6455 section 1.2).
public enum Role: Sendable { case client, server }
