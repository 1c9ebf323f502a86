// SPDX-License-Identifier: Apache-2.0
@main struct WSServe { static func main() {} }
