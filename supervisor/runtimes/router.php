<?php

// For PHP's own server: files as they are, the rest by the front controller; nothing that is not for visitors.
// Made by Orbit, anew with every release.

$script = (static function () {
    $root = realpath($_SERVER['DOCUMENT_ROOT']);
    $path = rawurldecode((string) parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH));
    $hidden = '#(^|/)\.(?!well-known(/|$))'
        . '|(^|/)(composer\.(json|lock|phar)|package(-lock)?\.json|yarn\.lock|pnpm-lock\.yaml|artisan|Procfile|Dockerfile)$'
        . '|\.(phtml|phar|inc|sql|sqlite3?|log|ini|bak|swp|twig|neon|env|php\d?~)$#i';
    if ($root === false || strpos($path, "\0") !== false || preg_match($hidden, $path)) {
        return null;
    }
    if ($root === getcwd() && preg_match('~^/+(vendor|node_modules|storage|var|config|src|app|database|tests)/.*\.(php|json|lock|ya?ml|xml|dist)$~i', $path)) {
        return null;
    }
    $file = realpath($root . $path);
    if ($file !== false && strpos($file . '/', $root . '/') === 0) {
        if (is_file($file) || is_file($file . '/index.html')) {
            return false;
        }
        if ($file !== $root && is_file($file . '/index.php')) {
            return $file . '/index.php';
        }
    }
    foreach (['/index.php', '/app.php'] as $front) {
        if (is_file($root . $front)) {
            return $root . $front;
        }
    }
    return null;
})();

if ($script === false) {
    return false;
}
if ($script === null) {
    http_response_code(404);
    header('Content-Type: text/plain; charset=utf-8');
    echo "Not Found\n";
    return true;
}
$_SERVER['SCRIPT_FILENAME'] = $script;
$_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = substr($script, strlen(realpath($_SERVER['DOCUMENT_ROOT'])));
unset($_SERVER['PATH_INFO'], $script);
chdir(dirname($_SERVER['SCRIPT_FILENAME']));
require $_SERVER['SCRIPT_FILENAME'];
