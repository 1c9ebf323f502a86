// SPDX-License-Identifier: Apache-2.0
@main struct Serve { static func main() {} }
