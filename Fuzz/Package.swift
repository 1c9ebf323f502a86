// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

// Fuzz targets in Swift, built and run by script/fuzz. The one for CFrame, in Frames/, is plain C
// and built by the script itself.

let settings: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("ExistentialAny"),
]

let codec = Target.Dependency.product(name: "WSCodec", package: "swift-ws")

let package = Package(
    name: "swift-ws-fuzz",
    platforms: [.macOS(.v26)],
    dependencies: [
        .package(name: "swift-ws", path: ".."),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: []),
    ],
    targets: [
        .target(name: "FuzzInput", path: "FuzzInput", swiftSettings: settings),
        .executableTarget(
            name: "handshake",
            dependencies: [
                "FuzzInput", codec, .product(name: "HTTPTypes", package: "swift-http-types"),
            ],
            path: "Handshake", swiftSettings: settings),
        .executableTarget(
            name: "endpoint", dependencies: ["FuzzInput", codec], path: "Endpoint",
            swiftSettings: settings),
        .executableTarget(
            name: "extensions",
            dependencies: [
                "FuzzInput", codec, .product(name: "HTTPTypes", package: "swift-http-types"),
            ],
            path: "Extensions", swiftSettings: settings),
        .executableTarget(
            name: "inflate", dependencies: ["FuzzInput", codec], path: "Inflate",
            swiftSettings: settings),
        .executableTarget(
            name: "body",
            dependencies: [
                "FuzzInput", codec, .product(name: "WSServer", package: "swift-ws"),
            ],
            path: "Body", swiftSettings: settings),
    ]
)
