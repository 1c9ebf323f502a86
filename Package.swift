// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

let strictTests: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

// Tests call C and raw sockets freely; they need the language checks, not the `unsafe` marks.
let strict = strictTests + [.strictMemorySafety()]

let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")

let package = Package(
    name: "swift-ws",
    platforms: [.macOS(.v26)],
    products: [
        .library(name: "WSCodec", targets: ["WSCodec"]),
        .library(name: "CFrame", targets: ["CFrame"]),
    ],
    dependencies: [
        // Without its default traits: they pull in Foundation.
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0", traits: [])
    ],
    targets: [
        .target(name: "CFrame"),
        .target(name: "CZlib", linkerSettings: [.linkedLibrary("z")]),
        .target(
            name: "WSCodec", dependencies: ["CFrame", "CZlib", httpTypes], swiftSettings: strict),
        // Streams of frames and what they mean: for the codec and for a live server.
        .target(
            name: "WireSamples", dependencies: ["WSCodec"], path: "Tests/WireSamples",
            swiftSettings: strictTests),
        .testTarget(
            name: "WSCodecTests",
            dependencies: ["WSCodec", "CFrame", "CZlib", "WireSamples", httpTypes],
            exclude: ["Compression/deflate_peer.py"], swiftSettings: strictTests),
    ],
    cLanguageStandard: .c17
)

// The server stands on io_uring and epoll; the codec builds without either.
#if os(Linux)
    let serverProducts: [Product] = [
        .library(name: "WSServer", targets: ["WSServer"]),
        .executable(name: "wsserve", targets: ["wsserve"]),
    ]
    package.products += serverProducts
    let serverDependencies: [Package.Dependency] = [
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0")
    ]
    package.dependencies += serverDependencies
    let serverTargets: [Target] = [
        .target(name: "CRing", linkerSettings: [.linkedLibrary("uring")]),
        .target(
            name: "WSServer",
            dependencies: [
                "WSCodec", "CRing", httpTypes, .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "wsserve",
            dependencies: ["WSServer", .product(name: "Logging", package: "swift-log")],
            swiftSettings: strict),
        .testTarget(
            name: "WSServerTests",
            dependencies: [
                "WSServer", "CRing", "WireSamples", httpTypes,
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strictTests),
        // A kernel in memory, the clients and faults on it, and the program that plays them.
        .target(
            name: "CSimulator", dependencies: ["CRing"], path: "Tests/Simulator/CSimulator"),
        .target(
            name: "Simulator",
            dependencies: [
                "WSServer", "WSCodec", "CSimulator", "WireSamples", httpTypes,
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "Tests/Simulator/Simulator", swiftSettings: strictTests),
        .executableTarget(
            name: "simulate", dependencies: ["Simulator"], path: "Tests/Simulator/simulate",
            swiftSettings: strictTests),
        .testTarget(
            name: "wsserveTests", dependencies: ["wsserve", "WSServer"],
            swiftSettings: strictTests),
    ]
    package.targets += serverTargets
#endif
